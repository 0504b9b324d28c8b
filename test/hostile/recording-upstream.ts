// An upstream that keeps every byte it is sent. Node's own server, whose parser is not ours, answers.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { readMessages, type TextMessage } from './message-text.ts'

interface Recorded {
  bytes: string
  isClosed: boolean
}

export class RecordingUpstream {
  readonly #server: Server
  readonly #connections: Recorded[] = []

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<RecordingUpstream> {
    const server = createServer({ maxHeaderSize: 1 << 20, keepAliveTimeout: 0, requestTimeout: 0 })
    const upstream = new RecordingUpstream(server)
    server.on('connection', socket => upstream.#record(socket))
    server.on('request', (request, response) => {
      const { url = '' } = request.on('error', () => {}).resume()
      request.on('end', () => response.setHeader('content-length', url.length).end(url))
    })
    server.on('connect', (_request, socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    server.on('clientError', (_error, socket) => socket.destroy())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return upstream
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get receivedBytes(): number {
    return this.#connections.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  /** No connection is open with half a request on it. */
  get isSettled(): boolean {
    return this.#connections.every(({ bytes, isClosed }) => isClosed || readMessages(bytes).every(one => one.isWhole))
  }

  /** All requests but the honest, connection by connection. */
  seen(): string[] {
    return this.#connections.flatMap(({ bytes, isClosed }) =>
      readMessages(bytes)
        .filter(({ start }) => start !== 'GET /honest HTTP/1.1')
        .map(message => describe(message, isClosed)),
    )
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #record(socket: Socket): void {
    const recorded: Recorded = { bytes: '', isClosed: false }
    this.#connections.push(recorded)
    socket.on('data', (chunk: Buffer) => {
      recorded.bytes += chunk.toString('latin1')
    })
    socket.on('close', () => {
      recorded.isClosed = true
    })
    socket.on('error', () => {})
    // Sockets of tunnels are not the server's to close.
    this.#server.on('close', () => socket.destroy())
  }
}

function describe({ start, body, isWhole }: TextMessage, isClosed: boolean): string {
  const what = start.replace(/ HTTP\/1\.1$/, '')
  if (!isWhole) return `${what}${body && ` with ${text(body)}`} ${isClosed ? 'cut short' : 'unfinished'}`
  return body === '' ? what : `${what} with ${text(body)}`
}

/** The first line of it, at least as telling as all of it. */
function text(body: string): string {
  return JSON.stringify(body).slice(1, -1).replaceAll('\\r\\n', ' ').trim()
}
