// Messages to bytes: heads as one string, bodies as they come or in chunks (RFC 9112 7.1).
import type { Socket } from 'node:net'
import type { HeaderList } from '../header-list.ts'
import { SocketWriter } from '../http/socket-writer.ts'
import type { RequestHead } from '../request-head.ts'
import { statusLine } from './status-line.ts'

export class MessageWriter {
  readonly #writer: SocketWriter
  #chunked = false

  constructor(socket: Socket) {
    this.#writer = new SocketWriter(socket)
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
    const headers = head.headers
    const text = `${head.method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n`
    this.#head(text, headers, endStream, endStream && mayLackLength(head.method))
  }

  /** `bodiless`: a response to HEAD, or of a status that has no body. `close` announces the connection's end. */
  response(status: number, headers: HeaderList, endStream: boolean, toHead: boolean, close: boolean): void {
    const bodiless = status < 200 || status === 204 || status === 304
    const line = statusLine(status)
    // A response to HEAD says how a body would be framed, and sends none; without a length that is in chunks (Envoy).
    this.#head(close ? `${line}connection: close\r\n` : line, headers, endStream && !toHead, bodiless)
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

  #head(start: string, headers: HeaderList, endStream: boolean, unframed: boolean): void {
    let text = start
    let framed = unframed
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i]!
      if (name === 'content-length') framed = true
      text += `${name}: ${headers[i + 1]}\r\n`
    }
    this.#chunked = false
    if (framed) text += '\r\n'
    else if (endStream) text += 'content-length: 0\r\n\r\n'
    else {
      this.#chunked = true
      text += 'transfer-encoding: chunked\r\n\r\n'
    }
    this.#writer.text(text)
  }
}

/** RFC 9110 8.6: a length is expected of methods that anticipate content; Envoy leaves it out for these. */
function mayLackLength(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'DELETE' || method === 'TRACE'
}
