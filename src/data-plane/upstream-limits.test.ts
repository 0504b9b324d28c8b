// What bounds a cluster's connections and retries, through a whole proxy.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { after, test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { FakeClock } from '../base/clock.ts'
import type { Network } from '../transport/net/network.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { clustersText } from './admin/clusters-page.ts'
import { exchange } from './http/testing/raw-client.ts'
import { ok, rawUpstream } from './http/testing/raw-upstream.ts'
import { boundPort, connectionManager, listener, openProxy, parse, routes, tcpProxy } from './mesh-fixture.ts'
import type { Proxy } from './proxy.ts'

type Fields = { readonly [key: string]: JsonValue }

const ends: (() => Promise<unknown>)[] = []
after(async () => {
  for (const end of ends) await end()
})

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
const httpOptions = (fields: Fields): Fields => ({
  typed_extension_protocol_options: { [OPTIONS]: { '@type': `type.googleapis.com/${OPTIONS}`, ...fields } },
})
const address = (port: number): JsonValue => ({ socket_address: { address: '127.0.0.1', port_value: port } })

interface Scene {
  readonly proxy: Proxy
  readonly clock: FakeClock
  readonly http: number
  readonly tcp: number
  stat(name: string): number | undefined
  get(): Promise<number>
}

async function scene(
  port: number,
  cluster: Fields,
  route: Fields = {},
  tcp: Fields = {},
  network?: Network,
): Promise<Scene> {
  const clock = new FakeClock()
  const proxy = openProxy({ clock, ...(network ? { network } : {}) })
  ends.push(() => proxy.close())
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }]
  const message = parse(ClusterSchema, {
    name: 'c',
    type: 'STATIC',
    load_assignment: { cluster_name: 'c', endpoints },
    ...cluster,
  })
  assert.deepEqual(proxy.apply('cluster', [message]), [])
  const table = routes('r', 'c') as { virtual_hosts: { routes: { route: Fields }[] }[] }
  table.virtual_hosts[0]!.routes[0]!.route = { cluster: 'c', timeout: '0s', ...route }
  const requests = [{ filters: [connectionManager({ route_config: table as unknown as Fields })] }]
  const problems = proxy.apply('listener', [
    listener('http', requests),
    listener('tcp', [{ filters: [tcpProxy('c', tcp)] }]),
  ])
  assert.deepEqual(problems, [])
  const http = await boundPort(proxy, 'http')
  return {
    proxy,
    clock,
    http,
    tcp: await boundPort(proxy, 'tcp'),
    stat: name => proxy.stats.value(`cluster.c.${name}`),
    get: async () => (await exchange(http, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')).status,
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

test('a budget bounds retries by the requests under way', async () => {
  const upstream = await rawUpstream(() => 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n')
  ends.push(() => upstream.close())
  const retry = { retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } } }
  const cases = [
    { budget: { budget_percent: { value: 100 }, min_retry_concurrency: 0 }, retries: 1 },
    { budget: { budget_percent: { value: 99 }, min_retry_concurrency: 0 }, retries: 0 },
    { budget: { budget_percent: { value: 0 }, min_retry_concurrency: 1 }, retries: 1 },
    { budget: {}, retries: 1 },
  ]
  for (const { budget, retries } of cases) {
    const thresholds = [{ max_retries: 0, retry_budget: budget }]
    const { clock, stat, get } = await scene(upstream.port, { circuit_breakers: { thresholds } }, retry)
    const before = upstream.requests.length
    const status = get()
    if (retries > 0) {
      await until(() => stat('upstream_rq_retry') === 1)
      clock.advance(100)
    }
    assert.equal(await status, 503)
    assert.equal(upstream.requests.length - before, 1 + retries, JSON.stringify(budget))
    assert.equal(stat('upstream_rq_retry_overflow'), 1 - retries)
  }
})

test('routes of high priority have limits, connections and queues of their own', async () => {
  const upstream = await rawUpstream(() => undefined)
  ends.push(() => upstream.close())
  const thresholds = [
    { max_requests: 1, track_remaining: true },
    { priority: 'HIGH', max_requests: 2, max_connections: 2, track_remaining: true },
  ]
  const clock = new FakeClock()
  const proxy = openProxy({ clock })
  ends.push(() => proxy.close())
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(upstream.port) } }] }]
  const cluster = parse(ClusterSchema, {
    name: 'c',
    type: 'STATIC',
    load_assignment: { cluster_name: 'c', endpoints },
    circuit_breakers: { thresholds },
  })
  assert.deepEqual(proxy.apply('cluster', [cluster]), [])
  const route = (prefix: string, priority: string): JsonValue => ({
    match: { prefix },
    route: { cluster: 'c', timeout: '0s', priority },
  })
  const table = {
    name: 'r',
    virtual_hosts: [{ name: 'v', domains: ['*'], routes: [route('/high', 'HIGH'), route('/', 'DEFAULT')] }],
  }
  const chain = [{ filters: [connectionManager({ route_config: table })] }]
  assert.deepEqual(proxy.apply('listener', [listener('l', chain)]), [])
  const port = await boundPort(proxy, 'l')
  const stat = (name: string) => proxy.stats.value(`cluster.c.${name}`)
  const get = (path: string) => exchange(port, `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`)
  const answers = ['/high', '/high', '/'].map(get)
  await until(() => upstream.requests.length === 3)
  assert.deepEqual(
    ['upstream_rq_active', 'circuit_breakers.default.rq_open', 'circuit_breakers.high.rq_open'].map(stat),
    [3, 1, 1],
  )
  for (const path of ['/', '/high']) assert.equal((await get(path)).status, 503)
  assert.equal(stat('upstream_rq_active_overflow'), 2)
  const byPath = (path: string) => upstream.requests.filter(({ head }) => head.path === path)
  byPath('/')[0]!.socket.write(ok())
  assert.equal((await answers[2]!).status, 200)
  assert.deepEqual(
    ['default', 'high'].map(priority => stat(`circuit_breakers.${priority}.remaining_rq`)),
    [1, 0],
  )
  // The connection that came free is not theirs.
  assert.equal((await get('/high')).status, 503)
  for (const { socket } of byPath('/high')) socket.write(ok())
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200)
  assert.deepEqual(['upstream_rq_active', 'upstream_cx_active', 'upstream_cx_total'].map(stat), [0, 3, 3])
  assert.match(
    [...clustersText(proxy.clusters.all(), true)].join(''),
    /default_priority::max_requests::1\n(?:.*\n)*c::high_priority::max_requests::2\n/,
  )
})

test('a budget with an interval bounds retries by the requests of so long, as Envoy 1.40 does', async () => {
  const upstream = await rawUpstream(() => 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n')
  ends.push(() => upstream.close())
  const retry = { retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } } }
  const budget = { budget_percent: { value: 50 }, min_retry_concurrency: 0, budget_interval: '2s' }
  const thresholds = [{ retry_budget: budget }]
  const { clock, stat, get } = await scene(upstream.port, { circuit_breakers: { thresholds } }, retry)
  // Half of one is none; of two it is one; its retry counts, too, for as long as the others.
  assert.equal(await get(), 503)
  assert.equal(stat('upstream_rq_retry_overflow'), 1)
  for (const retries of [1, 2]) {
    const status = get()
    await until(() => stat('upstream_rq_retry') === retries)
    clock.advance(100)
    assert.equal(await status, 503)
  }
  clock.advance(2200)
  assert.equal(await get(), 503)
  assert.equal(stat('upstream_rq_retry_overflow'), 2)
})

test('gauges tell which limits are reached, and what is left of them where that is asked for', async () => {
  const upstream = await rawUpstream(() => undefined)
  ends.push(() => upstream.close())
  const thresholds = [{ max_connections: 1, max_pending_requests: 1, max_requests: 2, track_remaining: true }]
  const { stat, get } = await scene(upstream.port, { circuit_breakers: { thresholds } })
  const gauges = (): (number | undefined)[] =>
    ['cx_open', 'rq_pending_open', 'rq_open', 'rq_retry_open', 'remaining_cx', 'remaining_pending', 'remaining_rq'].map(
      name => stat(`circuit_breakers.default.${name}`),
    )
  assert.deepEqual(gauges(), [0, 0, 0, 0, 1, 1, 2])
  const first = get()
  await until(() => upstream.requests.length === 1)
  assert.deepEqual(gauges(), [1, 0, 0, 0, 0, 1, 1])
  const second = get()
  await until(() => stat('upstream_rq_pending_active') === 1)
  assert.deepEqual(gauges(), [1, 1, 1, 0, 0, 0, 0])
  // Who waits, or is refused, is no request of the cluster's yet; the limit kept one connection from being made.
  const counters = (): (number | undefined)[] =>
    ['upstream_rq_total', 'upstream_cx_overflow', 'upstream_rq_pending_overflow', 'upstream_rq_active_overflow'].map(
      stat,
    )
  assert.deepEqual(counters(), [1, 1, 0, 0])
  assert.equal(await get(), 503)
  assert.deepEqual(counters(), [1, 1, 0, 1])
  for (const { socket } of upstream.requests) socket.write(ok())
  await until(() => upstream.requests.length === 2)
  assert.equal(stat('upstream_rq_total'), 2)
  upstream.requests[1]!.socket.write(ok())
  assert.deepEqual(await Promise.all([first, second]), [200, 200])
  assert.deepEqual(gauges(), [1, 0, 0, 0, 0, 1, 2])
})

test('a limit of connections is counted whenever it keeps one from being made', async () => {
  const upstream = await rawUpstream(() => undefined)
  ends.push(() => upstream.close())
  const { stat, get } = await scene(upstream.port, { circuit_breakers: { thresholds: [{ max_connections: 1 }] } })
  const answers: Promise<number>[] = []
  for (let waiting = 0; waiting < 3; waiting++) {
    answers.push(get())
    await until(() => upstream.requests.length === 1 && stat('upstream_rq_pending_active') === waiting)
  }
  assert.deepEqual([stat('upstream_cx_overflow'), stat('upstream_rq_total')], [2, 1])
  for (let answered = 1; answered <= 3; answered++) {
    await until(() => upstream.requests.length === answered)
    upstream.requests[answered - 1]!.socket.write(ok())
  }
  assert.deepEqual(await Promise.all(answers), [200, 200, 200])
  // Once more when the second was served, and the third still waited.
  assert.deepEqual([stat('upstream_cx_overflow'), stat('upstream_rq_total')], [3, 3])
})

test('a connection that is too old takes no further request', async () => {
  const upstream = await rawUpstream(() => ok())
  ends.push(() => upstream.close())
  const options = httpOptions({
    common_http_protocol_options: { max_connection_duration: '10s' },
    explicit_http_config: { http_protocol_options: {} },
  })
  const { clock, stat, get } = await scene(upstream.port, options)
  await get()
  clock.advance(6000)
  await get()
  assert.equal(stat('upstream_cx_total'), 1)
  clock.advance(3000)
  assert.equal(stat('upstream_cx_active'), 1)
  clock.advance(1100)
  assert.equal(stat('upstream_cx_active'), 0)
  assert.equal(stat('upstream_cx_max_duration_reached'), 1)
  assert.equal(await get(), 200)
})

test('nor while it is busy: it ends with its request', async () => {
  const upstream = await rawUpstream(() => undefined)
  ends.push(() => upstream.close())
  const options = httpOptions({
    common_http_protocol_options: { max_connection_duration: '10s' },
    explicit_http_config: { http_protocol_options: {} },
  })
  const { clock, stat, get } = await scene(upstream.port, options)
  const status = get()
  await until(() => upstream.requests.length === 1)
  clock.advance(11_000)
  upstream.requests[0]!.socket.write(ok())
  assert.equal(await status, 200)
  assert.deepEqual([stat('upstream_cx_active'), stat('upstream_cx_max_duration_reached')], [0, 1])
})

async function http2Upstream(): Promise<{ port: number; streams: ServerHttp2Stream[] }> {
  const streams: ServerHttp2Stream[] = []
  const server = createHttp2Server()
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', session => sessions.add(session))
  server.on('stream', (stream: ServerHttp2Stream) => streams.push(stream))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(async () => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, streams }
}

test('HTTP/2: so many streams on a connection, for so long', async () => {
  const { port, streams } = await http2Upstream()
  const options = httpOptions({
    common_http_protocol_options: { max_connection_duration: '10s' },
    explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 2 } },
  })
  const { clock, stat, get } = await scene(port, options)
  const all = [get(), get(), get()]
  await until(() => streams.length === 3)
  assert.equal(stat('upstream_cx_total'), 2)
  clock.advance(11_000)
  assert.equal(stat('upstream_cx_max_duration_reached'), 2)
  assert.equal(stat('upstream_cx_active'), 2)
  for (const stream of streams) stream.respond({ ':status': 200 }, { endStream: true })
  assert.deepEqual(await Promise.all(all), [200, 200, 200])
  await until(() => stat('upstream_cx_active') === 0)
})

test('TCP keepalive, as the cluster asks for it', async () => {
  const upstream = await rawUpstream(() => ok())
  ends.push(() => upstream.close())
  const asked: unknown[] = []
  const network: Network = {
    ...systemNetwork,
    connect(host, port) {
      const socket = systemNetwork.connect(host, port)
      const set = socket.setKeepAlive
      Object.assign(socket, {
        setKeepAlive(...args: Parameters<typeof set>) {
          asked.push(args)
          return set.apply(socket, args)
        },
      })
      return socket
    },
  }
  const options = { upstream_connection_options: { tcp_keepalive: { keepalive_time: 30, keepalive_probes: 3 } } }
  const { get } = await scene(upstream.port, options, {}, {}, network)
  assert.equal(await get(), 200)
  assert.deepEqual(asked, [[true, 30_000, 75_000, 3]])
})

test('bytes travel in a POST where tunneling_config says so', async () => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.host} ${request.headers['transfer-encoding']}`)
    response.writeHead(200)
    response.flushHeaders()
    request.on('data', (chunk: Buffer) => response.write(chunk.toString().toUpperCase()))
    request.on('end', () => response.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  const tunnel = { tunneling_config: { hostname: 'example.com:443', use_post: true, post_path: '/way' } }
  const { tcp } = await scene((server.address() as AddressInfo).port, {}, {}, tunnel)
  const client = connect(tcp, '127.0.0.1')
  client.write('hello')
  const [answer] = (await once(client, 'data')) as [Buffer]
  assert.equal(answer.toString(), 'HELLO')
  assert.deepEqual(seen, ['POST /way example.com:443 chunked'])
  client.end()
  await once(client, 'close')
})

test('what cannot be honoured is refused by name', async () => {
  const { proxy } = await scene(1, {})
  const problems = proxy.apply('cluster', [
    parse(ClusterSchema, {
      name: 'd',
      type: 'STATIC',
      circuit_breakers: {
        thresholds: [{ retry_budget: { budget_percent: { value: 101 } }, max_connection_pools: 1 }],
        per_host_thresholds: [{ max_connections: 1 }],
      },
      upstream_connection_options: {
        tcp_keepalive: { keepalive_time: 0 },
        set_local_interface_name_on_upstream_connections: true,
      },
    }),
  ])
  assert.deepEqual(problems.map(problem => problem.path).sort(), [
    'circuit_breakers.per_host_thresholds',
    'circuit_breakers.thresholds[0].max_connection_pools',
    'circuit_breakers.thresholds[0].retry_budget.budget_percent',
    'upstream_connection_options.set_local_interface_name_on_upstream_connections',
    'upstream_connection_options.tcp_keepalive.keepalive_time',
  ])
})
