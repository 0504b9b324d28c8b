// A program that answers to `control-plane` and `proxy` as the real one does, with nothing behind it: for launcher tests.
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'

const [verb, ...rest] = process.argv.slice(2)
const option = (name: string): string => rest[rest.indexOf(`--${name}`) + 1] ?? ''

if (verb === 'control-plane') fakeControlPlane()
else if (verb === 'proxy') fakeProxy()
else throw new Error(`no such verb: ${verb}`)

process.once('SIGTERM', () => process.exit(0))

function fakeControlPlane(): void {
  const state = option('state')
  mkdirSync(state, { recursive: true })
  writeFileSync(join(state, 'operator.token'), 'operator')
  const instances = new Map<string, Record<string, unknown>>()
  const calls: string[] = []
  const api = `http://127.0.0.1:${option('api-port')}`
  const mesh = {
    version: '0',
    trustDomain: 'test',
    revision: 1,
    api,
    xds: '127.0.0.1:1',
    join: '127.0.0.1:2',
    pid: process.pid,
    proxies: { concurrency: 2, drainDurationMs: 30_000, terminationDrainDurationMs: 3000 },
  }
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    const body = await readBody(request)
    const key = path.replace(/^\/v1\/instances\//, '').replace(/\/renew$/, '')
    if (!path.endsWith('/renew') && !path.startsWith('/v1/mesh')) calls.push(`${request.method} ${path}`)
    if (path === '/calls') return answer(response, 200, calls)
    if (path === '/v1/mesh') return answer(response, 200, { ...mesh, startedAt: '', trustBundle: 'PEM' })
    if (path === '/v1/tokens') {
      const allowed = request.headers.authorization === 'Bearer operator'
      return answer(response, allowed ? 200 : 401, { token: `token for ${body['name']}` })
    }
    if (path === '/v1/config') return answer(response, 200, { objects: [] })
    if (path.startsWith('/v1/services')) return answer(response, 200, { services: [] })
    if (path === '/v1/proxies') return answer(response, 200, { proxies: [] })
    if (path === '/v1/sources')
      return answer(response, 200, { directory: null, lastLoadedAt: null, revision: 1, problems: [] })
    if (path.startsWith('/v1/revisions/')) return answer(response, 200, { revision: 1, done: true, proxies: [] })
    if (!path.startsWith('/v1/instances')) return answer(response, 404, { error: { code: '', message: `no ${path}` } })
    if (path === '/v1/instances') return answer(response, 200, { instances: [...instances.values()] })
    if (request.method === 'PUT') {
      const check = body['healthCheck'] as { intervalMs?: number } | undefined
      instances.set(key, { ...body, healthy: (check?.intervalMs ?? 0) < 60_000 })
    }
    if (!instances.has(key)) return answer(response, 404, { error: { code: 'WEFT-2008', message: 'unknown' } })
    if (request.method === 'DELETE') instances.delete(key)
    return answer(response, 200, { instance: instances.get(key) })
  })
  server.listen(Number(option('api-port')), '127.0.0.1')
}

function fakeProxy(): void {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/stats')) response.end('http.inbound_0.0.0.0_1.downstream_rq_active: 0\n')
    else if (request.url === '/arguments') response.end(JSON.stringify(rest))
    else response.end('LIVE\n')
  })
  server.listen(Number(option('admin-port')), '127.0.0.1')
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
