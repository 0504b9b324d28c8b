// Bytes from a socket to its one reader, past the queue of Node's stream where that is empty: queueing and asking for more
// is a twentieth of a request (`npm run bench -- http1`).
import { type Duplex, Readable } from 'node:stream'

const { push } = Readable.prototype

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
  this.directReader!(chunk)
  // More is welcome: a reader that has paused the socket finds what comes next in the queue.
  return true
}
