// Bytes from a socket to its one reader, past the queue of Node's stream where that is empty: queueing and asking for more
// is a twentieth of a request (`npm run bench -- http1`).
import { type Duplex, Readable } from 'node:stream'

const { push } = Readable.prototype

/**
 * Each read leaves a block of up to 64 KB outside V8's heap. Scavenges free them, and V8 makes one when the young
 * generation is full of objects, however large what they stand for: thousands of reads, and 450 MB of a proxy that carries
 * bulk. So each time that so much was read it is asked for one, where the process has the means (proxy-heap.ts).
 */
const BYTES_PER_SCAVENGE = 16 * 1024 * 1024
const SCAVENGE = { type: 'minor' } as const
let bytesRead = 0

interface DirectSocket extends Duplex {
  directReader?: (chunk: Buffer) => void
}

/**
 * As `socket.on('data', onData)`, for the one reader that a socket has from now on; pause, resume and the order of events
 * are as they were. Node hands what it read to `push`, which a stream may have of its own.
 */
export function readDirectly(socket: Duplex, onData: (chunk: Buffer) => void): void {
  const direct = socket as DirectSocket
  if (direct.directReader !== undefined) direct.off('data', direct.directReader)
  direct.on('data', onData)
  direct.directReader = onData
  direct.push = pushToReader
}

function pushToReader(this: DirectSocket, chunk: Buffer | null, encoding?: BufferEncoding): boolean {
  if (chunk === null || this.readableFlowing !== true || this.readableLength > 0)
    return push.call(this, chunk, encoding)
  bytesRead += chunk.length
  if (bytesRead > BYTES_PER_SCAVENGE) {
    bytesRead = 0
    globalThis.gc?.(SCAVENGE)
  }
  this.directReader!(chunk)
  // More is welcome: a reader that has paused the socket finds what comes next in the queue.
  return true
}
