// For tests: an upstream server that answers each request as it is told.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { MessageHandler } from '../../../transport/http1/message-parser.ts'
import { RequestParser } from '../../../transport/http1/request-parser.ts'
import type { RequestHead } from '../../../transport/request-head.ts'

const LIMITS = { maxHeadBytes: 1 << 20, maxFieldCount: 1000, trailers: true, keepsSpelling: false }

export interface UpstreamRequest {
  readonly head: RequestHead
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
  readonly socket: Socket
  /** From 0, on its connection. */
  readonly index: number
}

export interface RawUpstream {
  readonly port: number
  readonly server: Server
  readonly sockets: Set<Socket>
  readonly requests: UpstreamRequest[]
  close(): Promise<void>
}

/** A server that calls back for each complete request; the answer is written to its socket, or returned as text. */
export async function rawUpstream(answer: (request: UpstreamRequest) => string | undefined): Promise<RawUpstream> {
  const sockets = new Set<Socket>()
  const requests: UpstreamRequest[] = []
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    serve(socket, request => {
      requests.push(request)
      const text = answer(request)
      if (text !== undefined) socket.write(text, 'latin1')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    server,
    sockets,
    requests,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}

function serve(socket: Socket, onRequest: (request: UpstreamRequest) => void): void {
  let body = ''
  let index = 0
  const finish = (): void => {
    const { head } = parser
    const fields: Record<string, string> = {}
    for (let i = 0; i < head.headers.length; i += 2) fields[head.headers[i]!] = head.headers[i + 1]!
    onRequest({ head, fields, body, socket, index: index++ })
    body = ''
    parser.next()
  }
  const handler: MessageHandler = {
    onHead: endStream => {
      if (endStream) finish()
    },
    onBody: (chunk, endStream) => {
      body += chunk.toString('latin1')
      if (endStream) finish()
    },
    onTrailers: trailers => {
      const { headers } = parser.head
      for (let i = 0; i < trailers.length; i += 2) headers.push(`trailer-${trailers[i]}`, trailers[i + 1]!)
      finish()
    },
    onProtocolError: () => void socket.destroy(),
  }
  const parser: RequestParser = new RequestParser(handler, LIMITS)
  socket.on('data', (chunk: Buffer) => parser.execute(chunk))
}

export function ok(body = 'ok', fields = ''): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${fields}\r\n${body}`
}
