// For tests: an HTTP/2 client that sends the frames it is told to, and keeps what comes back.
import { connect, type Socket } from 'node:net'
import { FLAG, FRAME, FRAME_HEADER_BYTES, PREFACE } from '../../../transport/http2/frame.ts'
import {
  describe,
  frame,
  headers,
  type RawField,
  type ReadFrame,
  readFrames,
  settings,
} from '../../../transport/http2/testing/raw-frames.ts'

/** Of opening a connection; no test asks for them. */
const OPENING: ReadonlySet<number> = new Set([FRAME.settings, FRAME.windowUpdate])

export class RawHttp2Client {
  readonly socket: Socket
  /** Without SETTINGS and WINDOW_UPDATE. */
  readonly frames: ReadFrame[] = []
  isClosed = false
  #bytes = Buffer.alloc(0)

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    this.socket.on('close', () => {
      this.isClosed = true
    })
    this.send(PREFACE, settings())
  }

  send(...frames: readonly Buffer[]): this {
    this.socket.write(Buffer.concat(frames))
    return this
  }

  request(streamId: number, fields: readonly RawField[] = [], endStream = true): this {
    const head: readonly RawField[] = [
      [':method', endStream ? 'GET' : 'POST'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'a'],
      ...fields,
    ]
    return this.send(headers(streamId, head, FLAG.endHeaders | (endStream ? FLAG.endStream : 0)))
  }

  ping(flags: number, payload: Buffer | string): this {
    return this.send(frame(FRAME.ping, flags, 0, payload))
  }

  /** One word a frame, as `describe` has them. */
  get words(): string[] {
    return this.frames.map(describe)
  }

  async until(done: () => boolean): Promise<this> {
    while (!done()) await new Promise(resolve => setImmediate(resolve))
    return this
  }

  #onData(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    let end = 0
    while (this.#bytes.length >= end + FRAME_HEADER_BYTES) {
      const next = end + FRAME_HEADER_BYTES + this.#bytes.readUIntBE(end, 3)
      if (next > this.#bytes.length) break
      end = next
    }
    for (const read of readFrames(this.#bytes.subarray(0, end))) if (!OPENING.has(read.type)) this.frames.push(read)
    this.#bytes = this.#bytes.subarray(end)
  }
}
