// Messages to bytes: heads as one string, bodies as they come or in chunks (RFC 9112 7.1).
import type { Socket } from 'node:net'
import type { HeaderList } from '../header-list.ts'
import { SocketWriter } from '../http/socket-writer.ts'
import { type HeaderSpelling, isTunnel, type RequestHead, type ResponseHead } from '../request-head.ts'
import { formatName, type HeaderCase } from './header-case.ts'
import { statusLine, statusLineOf10 } from './status-line.ts'

export interface WriterOptions {
  /** The peer's side takes trailers; otherwise a message ends without (Envoy's enable_trailers). */
  readonly trailers: boolean
  readonly headerCase: HeaderCase
}

/** What a response must respect besides its own head. */
export interface ResponseFraming {
  readonly toHead: boolean
  /** The connection's end is announced. */
  readonly close: boolean
  /** The response opens a tunnel, whose bytes follow as they come (RFC 9110 9.3.6). */
  readonly tunnels: boolean
  /** The client speaks HTTP/1.0: no chunks (RFC 9112 6.1), and whether its connection goes on is said. */
  readonly http10: boolean
}

export class MessageWriter {
  readonly #writer: SocketWriter
  readonly #options: WriterOptions
  #chunked = false

  constructor(socket: Socket, options: WriterOptions) {
    this.#writer = new SocketWriter(socket)
    this.#options = options
  }

  get isBlocked(): boolean {
    return this.#writer.isBlocked
  }

  drained(): void {
    this.#writer.drained()
  }

  flush(): void {
    this.#writer.flush()
  }

  /** An interim response without fields: `100 Continue`. */
  continue100(): void {
    this.#writer.text('HTTP/1.1 100 Continue\r\n\r\n')
  }

  /** `authority` stands apart because a route may have rewritten it. */
  request(head: RequestHead, path: string, authority: string, endStream: boolean): void {
    const target = head.method === 'CONNECT' ? authority : path
    const host = this.#options.headerCase === 'lower' ? 'host' : this.#name('host', head.spelling)
    const text = `${head.method} ${target} HTTP/1.1\r\n${host}: ${authority}\r\n`
    const unframed = isTunnel(head) || (endStream && mayLackLength(head.method))
    this.#head(text, head.headers, head.spelling, endStream, unframed)
  }

  response(head: ResponseHead, endStream: boolean, framing: ResponseFraming): void {
    const { status } = head
    const { toHead, http10, close } = framing
    const bodiless = framing.tunnels || status < 200 || status === 204 || status === 304
    let text = http10 ? statusLineOf10(status) : statusLine(status)
    if (close) text += `${this.#name('connection', head.spelling)}: close\r\n`
    else if (http10) text += `${this.#name('connection', head.spelling)}: keep-alive\r\n`
    // A response to HEAD says how a body would be framed, and sends none; without a length that is in chunks (Envoy).
    this.#head(text, head.headers, head.spelling, endStream && !toHead, bodiless || (http10 && (toHead || !endStream)))
    if (toHead || bodiless) this.#chunked = false
  }

  body(chunk: Buffer, endStream: boolean): void {
    const writer = this.#writer
    if (!this.#chunked) {
      if (chunk.length > 0) writer.body(chunk)
      return
    }
    if (chunk.length > 0) {
      writer.text(`${chunk.length.toString(16)}\r\n`)
      writer.body(chunk)
      writer.text(endStream ? '\r\n0\r\n\r\n' : '\r\n')
    } else if (endStream) writer.text('0\r\n\r\n')
  }

  /** Ends the message; a body without chunks has no place for them. */
  /** Whatever form header names are given, those of trailers stay as they are (Envoy). */
  trailers(trailers: HeaderList): void {
    if (!this.#chunked) return
    let text = '0\r\n'
    if (this.#options.trailers) {
      for (let i = 0; i < trailers.length; i += 2) {
        text += `${trailers[i]}: ${trailers[i + 1]}\r\n`
      }
    }
    this.#writer.text(`${text}\r\n`)
  }

  #head(
    start: string,
    headers: HeaderList,
    spelling: HeaderSpelling | undefined,
    endStream: boolean,
    unframed: boolean,
  ): void {
    const lower = this.#options.headerCase === 'lower'
    let text = start
    let framed = unframed
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i]!
      if (name === 'content-length') framed = true
      text += `${lower ? name : this.#name(name, spelling)}: ${headers[i + 1]}\r\n`
    }
    this.#chunked = false
    if (framed) text += '\r\n'
    else if (endStream) text += `${this.#name('content-length', spelling)}: 0\r\n\r\n`
    else {
      this.#chunked = true
      text += `${this.#name('transfer-encoding', spelling)}: chunked\r\n\r\n`
    }
    this.#writer.text(text)
  }

  #name(name: string, spelling: HeaderSpelling | undefined): string {
    const { headerCase } = this.#options
    return headerCase === 'lower' ? name : formatName(name, headerCase, spelling)
  }
}

/** RFC 9110 8.6: a length is expected of methods that anticipate content; Envoy leaves it out for these. */
function mayLackLength(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'DELETE' || method === 'TRACE'
}
