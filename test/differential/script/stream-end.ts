// An end that is a stream of HTTP/2: a client's, which opens it, or a server's, which agrees to it.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type Http2Stream,
  type ServerHttp2Stream,
} from 'node:http2'
import { pairs } from '../http2/fields.ts'
import type { Field } from '../message.ts'
import type { Agreement, End, Opening } from './end.ts'

abstract class StreamEnd implements End {
  heard = ''
  state = 'open'
  events = 0
  protected stream: Http2Stream | null = null

  protected follow(stream: Http2Stream): void {
    this.stream = stream
    stream.on('data', (chunk: Buffer) => {
      this.heard += chunk.toString('latin1')
      this.events += 1
    })
    stream.on('trailers', (_headers, _flags, raw: string[]) => this.hearHead('trailers', raw))
    stream.on('end', () => this.#become('ended'))
    stream.on('error', () => {})
    stream.on('close', () => {
      const { rstCode = 0 } = stream
      // Without an error only what has not ended is cut off by it.
      if (rstCode === constants.NGHTTP2_NO_ERROR && this.state !== 'open') this.events += 1
      else this.#become(`reset ${rstCode}`)
    })
  }

  protected hearHead(what: string, raw: readonly string[]): void {
    const { own, fields } = pairs(raw)
    const all = [...own, ...fields].map(([name, value]) => `${name}: ${value}\r\n`)
    this.heard += `${what} HTTP/1.1\r\n${all.join('')}\r\n`
    this.events += 1
  }

  /** A client's stream is not there yet before it is opened. */
  get isWritable(): boolean {
    return this.stream === null || this.stream.writable
  }

  abstract open(opening: Opening): void
  abstract agree(agreement: Agreement): void

  send(bytes: string): void {
    this.stream?.write(bytes, 'latin1')
  }

  end(): void {
    this.stream?.end()
  }

  reset(): void {
    this.stream?.close(constants.NGHTTP2_CANCEL)
  }

  release(): void {
    this.stream?.session?.destroy()
  }

  #become(state: string): void {
    this.state = this.state === 'open' ? state : `${this.state}, ${state}`
    this.events += 1
  }
}

export class ClientStreamEnd extends StreamEnd {
  readonly #session: ClientHttp2Session

  constructor(session: ClientHttp2Session) {
    super()
    this.#session = session
    session.on('close', () => {
      this.events += 1
    })
  }

  open({ method, path, authority, upgrade, fields = [] }: Opening): void {
    const extended: Field[] = [
      [':scheme', 'http'],
      [':path', path],
    ]
    const head: Field[] = [
      [':method', upgrade === undefined ? method : 'CONNECT'],
      [':authority', authority],
      ...(method === 'CONNECT' ? [] : extended),
      ...(upgrade === undefined ? [] : [[':protocol', upgrade] as const]),
      ...fields,
    ]
    const stream: ClientHttp2Stream = this.#session.request(head.flat(), { endStream: false })
    stream.on('response', (_headers, _flags, raw: string[]) => this.hearHead('response', raw))
    stream.on('headers', (_headers, _flags, raw: string[]) => this.hearHead('interim', raw))
    this.follow(stream)
  }

  agree(): void {}

  override release(): void {
    this.#session.destroy()
  }
}

export class ServerStreamEnd extends StreamEnd {
  readonly #stream: ServerHttp2Stream

  constructor(stream: ServerHttp2Stream, raw: readonly string[]) {
    super()
    this.#stream = stream
    this.hearHead('request', raw)
    this.follow(stream)
  }

  open(): void {}

  agree({ status, fields = [], last = false }: Agreement): void {
    if (!this.#stream.destroyed && !this.#stream.headersSent)
      this.#stream.respond([':status', String(status), ...fields.flat()], { endStream: last })
  }

  /** The session is the cluster's, and may serve the next conversation. */
  override release(): void {
    this.#stream.destroy()
  }
}
