// A small HTTP service on node:http: routes, JSON answers, one log line per request, a clean end on SIGTERM.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Path segments that the route's `:names` stand for. */
  readonly params: Readonly<Record<string, string>>
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Handler = (request: Request) => Reply | Promise<Reply>

export interface Route {
  readonly method: 'GET' | 'POST'
  /** `/reviews/:id`: a segment that begins with a colon stands for any one segment. */
  readonly path: string
  readonly handler: Handler
}

export interface RunningService {
  readonly port: number
  stop(): Promise<void>
}

const MAX_BODY_BYTES = 64 * 1024

export function jsonReply(status: number, value: unknown): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

export function textReply(status: number, body: string, contentType = 'text/plain; charset=utf-8'): Reply {
  return { status, headers: { 'content-type': contentType }, body }
}

/** Listens on loopback: the service's peers reach it through its sidecar. Rejects when the port cannot be had. */
export async function startService(name: string, routes: readonly Route[], port: number): Promise<RunningService> {
  const server = createServer((incoming, outgoing) => {
    void answer(routes, incoming, outgoing).then(status => {
      if (incoming.url !== '/health') console.log(`${incoming.method} ${incoming.url} ${status}`)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.address() as AddressInfo).port
  console.log(`${name} listens on http://127.0.0.1:${bound}`)
  const stop = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve())
      server.closeIdleConnections()
    })
  return { port: bound, stop }
}

/** What each service's program does: PORT from the environment, a clean end on SIGTERM and SIGINT. */
export async function runService(name: string, routes: readonly Route[], port = 9080): Promise<void> {
  const service = await startService(name, routes, Number(process.env['PORT'] ?? port))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void service.stop())
}

async function answer(routes: readonly Route[], incoming: IncomingMessage, outgoing: ServerResponse): Promise<number> {
  let reply: Reply
  try {
    reply = await route(routes, incoming)
  } catch (error) {
    console.error(error)
    reply = jsonReply(500, { error: 'internal error' })
  }
  outgoing.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) })
  outgoing.end(incoming.method === 'HEAD' ? '' : reply.body)
  return reply.status
}

async function route(routes: readonly Route[], incoming: IncomingMessage): Promise<Reply> {
  const path = (incoming.url ?? '/').split('?')[0] ?? '/'
  const method = incoming.method === 'HEAD' ? 'GET' : (incoming.method ?? 'GET')
  const body = await readBody(incoming)
  if (body === null) return jsonReply(413, { error: `the body is larger than ${MAX_BODY_BYTES} bytes` })
  let pathKnown = false
  for (const candidate of routes) {
    const params = matchPath(candidate.path, path)
    if (params === null) continue
    pathKnown = true
    if (candidate.method === method) return candidate.handler({ method, path, headers: incoming.headers, params, body })
  }
  return pathKnown ? jsonReply(405, { error: 'method not allowed' }) : jsonReply(404, { error: 'not found' })
}

function matchPath(pattern: string, path: string): Record<string, string> | null {
  const expected = pattern.split('/')
  const actual = path.split('/')
  if (expected.length !== actual.length) return null
  const params: Record<string, string> = {}
  for (const [index, part] of expected.entries()) {
    const segment = actual[index] ?? ''
    if (part.startsWith(':')) params[part.slice(1)] = segment
    else if (part !== segment) return null
  }
  return params
}

async function readBody(incoming: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString('utf8') : null
}
