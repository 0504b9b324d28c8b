// The caller of a replay: one connection for each request, raw paths, headers as the case spells them.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { CaseRequest } from '../case-file.ts'

export interface Answer {
  readonly error?: string
  readonly status?: number
  readonly headers?: IncomingHttpHeaders
  readonly body?: string
  /** The client's own port, by which the access log knows the connection. */
  readonly localPort?: number | undefined
}

/** Where a request goes before the network maps it: `127.0.0.1:PORT` of the URL unless `connectTo` says otherwise. */
export function listenerOf(request: CaseRequest): { address: string; port: number } {
  const [address = '127.0.0.1', port] = request.connectTo?.split(':') ?? [
    '127.0.0.1',
    new URL(request.url).port || '80',
  ]
  return { address, port: Number(port) }
}

export function send(port: number, request: CaseRequest, id: string): Promise<Answer> {
  const { method = 'GET', body, url, serverName, alpn = [], preamble } = request
  if (serverName !== undefined) return greet(port, serverName, alpn)
  const path = url.replace(/^https?:\/\/[^/?#]*/, '') || '/'
  const headers = Object.fromEntries(
    Object.entries({ host: new URL(url).host, 'x-request-id': id, ...request.headers }).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : [...value],
    ]),
  )
  return new Promise(resolve => {
    let localPort: number | undefined
    const done = (answer: Answer): void => resolve({ ...answer, localPort })
    const options = { host: '127.0.0.1', port, method, path, headers, ...connecting(port, preamble) }
    const outgoing = httpRequest(options, response => {
      let text = ''
      response.on('data', chunk => {
        text += String(chunk)
      })
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
      response.on('error', error => done({ error: codeOf(error) }))
    })
    outgoing.once('socket', socket =>
      socket.once('connect', () => {
        localPort = socket.localPort
      }),
    )
    outgoing.setTimeout(20_000, () => outgoing.destroy(new Error('timeout')))
    outgoing.on('error', error => done({ error: codeOf(error) }))
    outgoing.end(body)
  })
}

/** An agent, even one of the request's own, would connect by itself. */
function connecting(port: number, preamble: string | undefined) {
  if (preamble === undefined) return { agent: false }
  const createConnection = () => {
    const socket = connectTcp({ host: '127.0.0.1', port })
    socket.write(preamble)
    return socket
  }
  return { createConnection }
}

/** The server is none of TLS: its bytes, which no TLS client would show, say who it is. */
function greet(port: number, serverName: string, alpn: readonly string[]): Promise<Answer> {
  const offer = alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}
  return new Promise(done => {
    const socket = connectTcp({ host: '127.0.0.1', port })
    const toSocket = new Duplex({ read: () => {}, write: (bytes, _, written) => void socket.write(bytes, written) })
    const client = connectTls({ socket: toSocket, servername: serverName, ...offer }).on('error', () => {})
    let text = ''
    let localPort: number | undefined
    socket.on('connect', () => {
      localPort = socket.localPort
    })
    socket.on('data', bytes => {
      text += String(bytes)
    })
    // Whether bytes that nobody read turn a close into a reset is the kernel's affair.
    socket.on('error', error => {
      if (codeOf(error) !== 'ECONNRESET') done({ error: codeOf(error) })
    })
    socket.on('close', () => {
      client.destroy()
      done({ body: text, localPort })
    })
    socket.on('end', () => socket.end())
  })
}

function codeOf(error: Error & { code?: string }): string {
  return error.code ?? error.message
}
