// A client that has sent its preface and hostile frames, and takes down what comes.
import { connect, type Socket } from 'node:net'
import { ERROR_CODE } from '../../src/transport/http2/error-code.ts'
import { FRAME, FRAME_HEADER_BYTES, PREFACE, readUint32 } from '../../src/transport/http2/frame.ts'
import { HeaderDecoder } from '../../src/transport/http2/hpack/header-decoder.ts'
import { frame, type ReadFrame, readFrames, settings } from '../../src/transport/http2/testing/raw-frames.ts'
import { until } from './http1-attacker.ts'

const PING = 'all read'

export class Http2Attacker {
  readonly #socket: Socket
  readonly #frames = new FrameCollector()
  #isClosed = false
  #pings = 0

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('error', () => {})
    this.#socket.on('data', (chunk: Buffer) => this.#frames.add(chunk))
    this.#socket.on('close', () => {
      this.#isClosed = true
    })
    this.#socket.write(PREFACE)
    this.#socket.write(settings())
  }

  send(bytes: Buffer | string): void {
    this.#socket.write(bytes, 'latin1')
  }

  deafen(): void {
    this.#socket.pause()
  }

  hearAgain(): void {
    this.#socket.resume()
  }

  /** What comes until the proxy has nothing more to say. */
  async outcome(isIdle: () => boolean): Promise<string> {
    await this.#pong()
    await until(() => this.#isClosed || isIdle())
    if (!this.#isClosed) await this.#pong()
    const decoder = new HeaderDecoder()
    const counts = new Map<string, number>()
    for (const read of this.#frames.all) {
      const word = wordOf(read, decoder)
      if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1)
    }
    const words = [...counts].map(([word, count]) => (count === 1 ? word : `${count} x ${word}`))
    return [...words, this.#isClosed ? 'closed' : 'kept'].join(', ')
  }

  close(): void {
    this.#socket.destroy()
  }

  /** All that was sent has been read. */
  async #pong(): Promise<void> {
    this.send(frame(FRAME.ping, 0, 0, PING))
    this.#pings++
    await until(() => this.#isClosed || this.#frames.all.filter(isPong).length === this.#pings)
  }
}

/** Whole frames out of a stream of bytes. */
export class FrameCollector {
  readonly all: ReadFrame[] = []
  #rest: Buffer = Buffer.alloc(0)

  /** The frames that `chunk` completes. */
  add(chunk: Buffer): readonly ReadFrame[] {
    const bytes = Buffer.concat([this.#rest, chunk])
    let end = 0
    while (end + FRAME_HEADER_BYTES <= bytes.length) {
      const next = end + FRAME_HEADER_BYTES + bytes.readUIntBE(end, 3)
      if (next > bytes.length) break
      end = next
    }
    const frames = readFrames(bytes.subarray(0, end))
    this.all.push(...frames)
    this.#rest = bytes.subarray(end)
    return frames
  }
}

function isPong(read: ReadFrame): boolean {
  return read.type === FRAME.ping && read.payload.toString('latin1') === PING
}

function wordOf(read: ReadFrame, decoder: HeaderDecoder): string {
  if (read.type === FRAME.goAway) return `GOAWAY ${codeName(readUint32(read.payload, 4))}`
  if (read.type === FRAME.rstStream) return `RST_STREAM ${codeName(readUint32(read.payload, 0))}`
  if (read.type !== FRAME.headers) return ''
  let status = ''
  decoder.decode(read.payload, 0, read.payload.length, {
    onField: ({ name }, value) => {
      if (name === ':status') status = value
    },
  })
  return status
}

/** `enhanceYourCalm` as RFC 9113 7 writes it. */
function codeName(code: number): string {
  const name = Object.entries(ERROR_CODE).find(([, value]) => value === code)?.[0] ?? String(code)
  return name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}
