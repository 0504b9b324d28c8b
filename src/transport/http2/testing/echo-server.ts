// For tests and tools: a server that sends each request's body back, or a few bytes where there is none. As a program
// (node src/transport/http2/testing/echo-server.ts PORT) it is what h2spec and h2load are pointed at.
import { createServer, type Server, type Socket } from 'node:net'
import type { HeaderList } from '../../header-list.ts'
import type { RequestHead } from '../../request-head.ts'
import type { Http2SessionHandler } from '../session-handler.ts'
import { ENVOY_HTTP2_SETTINGS, type Http2Settings } from '../session-options.ts'
import type { Http2Stream } from '../stream.ts'
import type { Http2StreamHandler } from '../stream-handler.ts'
import { attachSession } from './attached-session.ts'

const BODY = Buffer.from('hello')

class EchoStream implements Http2StreamHandler {
  readonly #stream: Http2Stream

  constructor(stream: Http2Stream) {
    this.#stream = stream
  }

  onResponse(): void {}

  onData(chunk: Buffer, endStream: boolean): void {
    this.#stream.sendData(chunk, endStream)
    if (this.#stream.isBlocked) this.#stream.pause()
  }

  onTrailers(headers: HeaderList): void {
    this.#stream.sendTrailers(headers)
  }

  onReset(): void {}

  onDrained(): void {
    this.#stream.resume()
  }
}

export class EchoSession implements Http2SessionHandler {
  readonly #socket: Socket
  /** Why the connection was given up, empty while it was not. */
  failure = ''
  /** Details of requests that were refused. */
  readonly refused: string[] = []
  readonly session

  constructor(socket: Socket, settings: Http2Settings) {
    this.#socket = socket
    this.session = attachSession('server', socket, this, settings)
  }

  onRequest(stream: Http2Stream, head: RequestHead, _fields: number, endStream: boolean): Http2StreamHandler {
    const headers = ['content-type', 'text/plain', 'x-path', head.path]
    for (let i = 0; i < head.headers.length; i += 2) {
      if (head.headers[i]!.startsWith('x-')) headers.push(head.headers[i]!, head.headers[i + 1]!)
    }
    stream.sendResponse(200, headers, false)
    if (endStream) stream.sendData(BODY, true)
    return new EchoStream(stream)
  }

  onRequestRefused(_code: number, details: string): void {
    this.refused.push(details)
  }

  onCapacity(): void {}

  onGoAway(): void {}

  onSessionError(_code: number, details: string): void {
    this.failure = details
    this.session.flush()
    this.#socket.end()
  }
}

/** Listens on loopback; 0: any port. */
export function startEchoServer(port: number, settings: Http2Settings, sessions: EchoSession[] = []): Server {
  const server = createServer(socket => {
    socket.on('end', () => socket.destroy())
    sessions.push(new EchoSession(socket, settings))
  })
  return server.listen(port, '127.0.0.1')
}

if (process.argv[1] === import.meta.filename) {
  startEchoServer(Number(process.argv[2]), { ...ENVOY_HTTP2_SETTINGS, maxConcurrentStreams: 100 })
}
