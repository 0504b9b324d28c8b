// Active health checks through a whole proxy: what endpoints answer when they are asked decides who gets requests.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { JsonValue } from '@bufbuild/protobuf'
import { FakeClock } from '../base/clock.ts'
import { TestAuthority } from '../transport/tls/certificate-fixture.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ClusterLoadAssignmentSchema } from '../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import { clustersJson, clustersText } from './admin/clusters-page.ts'
import { jsonText } from './admin/json-parts.ts'
import { exchange } from './http/testing/raw-client.ts'
import { ok, type RawUpstream, rawUpstream } from './http/testing/raw-upstream.ts'
import { boundPort, connectionManager, listener, openProxy, parse, routes, tcpProxy } from './mesh-fixture.ts'
import type { Proxy } from './proxy.ts'

const ends: (() => Promise<void>)[] = []
after(async () => {
  for (const end of ends) await end()
})

type Fields = { readonly [key: string]: JsonValue }

/** Answers checks (/health) as `check` says, and everything else well. */
class Upstream {
  check: string | null = ok()
  raw!: RawUpstream

  static async start(): Promise<Upstream> {
    const upstream = new Upstream()
    upstream.raw = await rawUpstream(({ head }) => (head.path === '/health' ? (upstream.check ?? undefined) : ok()))
    ends.push(() => upstream.raw.close())
    return upstream
  }

  /** `status` 503, say, with more fields. */
  answer(status: number, fields = ''): void {
    this.check = `HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n${fields}\r\n`
  }

  get checks(): number {
    return this.raw.requests.filter(({ head }) => head.path === '/health').length
  }

  get served(): number {
    return this.raw.requests.length - this.checks
  }
}

const TIMES = {
  timeout: '1s',
  interval: '10s',
  no_traffic_interval: '10s',
  unhealthy_threshold: 2,
  healthy_threshold: 2,
}
const HTTP: Fields = { ...TIMES, http_health_check: { path: '/health' } }
const NO_PANIC = { common_lb_config: { healthy_panic_threshold: { value: 0 } } }

class Scene {
  readonly clock = new FakeClock()
  readonly proxy: Proxy
  readonly #ports: readonly number[]

  constructor(ports: readonly number[]) {
    this.#ports = ports
    this.proxy = openProxy({ clock: this.clock })
    ends.push(() => this.proxy.close())
  }

  apply(check: Fields, more: Fields = {}, endpoint: Fields = {}): void {
    const cluster = parse(ClusterSchema, {
      name: 'c',
      type: 'STATIC',
      load_assignment: this.assignment(this.#ports, endpoint),
      health_checks: [check],
      ...NO_PANIC,
      ...more,
    })
    assert.deepEqual(this.proxy.apply('cluster', [cluster]), [])
  }

  listen(): void {
    const filters = [connectionManager({ route_config: routes('r', 'c') })]
    const listeners = [listener('l', [{ filters }]), listener('t', [{ filters: [tcpProxy('c')] }])]
    assert.deepEqual(this.proxy.apply('listener', listeners), [])
  }

  assignment(ports: readonly number[], endpoint: Fields = {}): Fields {
    const lbEndpoints = ports.map(port => ({
      endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } }, ...endpoint },
    }))
    return { cluster_name: 'c', endpoints: [{ lb_endpoints: lbEndpoints }] }
  }

  stat(name: string): number | undefined {
    return this.proxy.stats.value(`cluster.c.health_check.${name}`)
  }

  get flags(): readonly (string | undefined)[] {
    return [...[...clustersText(this.proxy.clusters.all(), true)].join('').matchAll(/::health_flags::(.*)/g)].map(
      match => match[1],
    )
  }

  /** Moves time on to the next check, and sees its results come in. */
  async check(results: number, ms = 10_000): Promise<void> {
    const before = this.results
    this.clock.advance(ms)
    await until(() => this.results === before + results)
  }

  get results(): number {
    return (this.stat('success') ?? 0) + (this.stat('failure') ?? 0)
  }

  async get(fields = ''): Promise<number> {
    return (await exchange(await boundPort(this.proxy, 'l'), `GET / HTTP/1.1\r\nhost: a\r\n${fields}\r\n`)).status
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000 && !holds(); turn++) await new Promise(resolve => setImmediate(resolve))
  assert.ok(holds(), 'what was waited for did not come')
}

async function scene(size: number, check: Fields, more: Fields = {}, endpoint: Fields = {}) {
  const upstreams = await Promise.all(Array.from({ length: size }, () => Upstream.start()))
  const made = new Scene(upstreams.map(({ raw }) => raw.port))
  made.apply(check, more, endpoint)
  made.listen()
  return { scene: made, upstreams: upstreams as [Upstream, Upstream] }
}

test('endpoints are asked before the first request, and those that say no get none', async () => {
  const { scene: mesh, upstreams } = await scene(2, HTTP)
  const [bad, good] = upstreams
  bad.answer(503)
  assert.deepEqual(mesh.flags, ['/failed_active_hc', '/failed_active_hc'])
  assert.equal(mesh.proxy.ready, false, 'listeners wait for the first checks')
  await mesh.check(2, 0)
  assert.deepEqual(mesh.flags, ['/failed_active_hc', 'healthy'])
  for (let i = 0; i < 4; i++) assert.equal(await mesh.get(), 200)
  assert.deepEqual([bad.served, good.served], [0, 4])
  const { head, fields } = good.raw.requests.find(request => request.head.path === '/health')!
  assert.deepEqual([head.method, head.authority, fields['user-agent']], ['GET', 'c', 'Envoy/HC'])
  const counted = ['attempt', 'success', 'failure', 'network_failure', 'passive_failure', 'healthy', 'degraded']
  assert.deepEqual(
    counted.map(name => mesh.stat(name)),
    [2, 1, 1, 0, 0, 1, 0],
  )
  // It takes two good answers to come back, and a single bad one to go: a status that says so is no accident.
  bad.check = ok()
  await mesh.check(2)
  assert.deepEqual(mesh.flags, ['/failed_active_hc', 'healthy'])
  await mesh.check(2)
  assert.deepEqual(mesh.flags, ['healthy', 'healthy'])
  good.answer(500)
  await mesh.check(2)
  assert.deepEqual(mesh.flags, ['healthy', '/failed_active_hc'])
  // The connections of requests are closed, the one of checks is kept.
  await until(() => good.raw.sockets.size === 1)
})

test('no answer, a connection that fails and a status to be retried count until the threshold', async () => {
  const retriable = { http_health_check: { path: '/health', retriable_statuses: [{ start: 503, end: 504 }] } }
  const { scene: mesh, upstreams } = await scene(1, { ...TIMES, ...retriable })
  await mesh.check(1, 0)
  upstreams[0].answer(503)
  await mesh.check(1)
  assert.deepEqual(mesh.flags, ['healthy'])
  upstreams[0].check = null
  mesh.clock.advance(10_000)
  await until(() => upstreams[0].checks === 3)
  mesh.clock.advance(1001)
  assert.deepEqual(mesh.flags, ['/failed_active_hc/active_hc_timeout'])
  await upstreams[0].raw.close()
  await mesh.check(1)
  assert.deepEqual(mesh.flags, ['/failed_active_hc'])
  assert.deepEqual([mesh.stat('failure'), mesh.stat('network_failure')], [3, 2])
  assert.equal(await mesh.get(), 503)
})

test('an answer that came while the event loop was busy is no time-out', async () => {
  const { scene: mesh, upstreams } = await scene(1, { ...HTTP, unhealthy_threshold: 1 })
  mesh.clock.advance(0)
  await until(() => upstreams[0].checks === 1)
  mesh.clock.advance(1000)
  await until(() => mesh.results === 1)
  assert.deepEqual(mesh.flags, ['healthy'])
})

test('an endpoint can say that it is degraded, or that it is not to be counted at all', async () => {
  const { scene: mesh, upstreams } = await scene(4, HTTP)
  upstreams[0].answer(200, 'x-envoy-degraded: true\r\n')
  await mesh.check(4, 0)
  assert.deepEqual(mesh.flags, ['/degraded_active_hc', 'healthy', 'healthy', 'healthy'])
  assert.equal(mesh.stat('degraded'), 1)
  for (let i = 0; i < 6; i++) await mesh.get()
  assert.equal(upstreams[0].served, 0)
  upstreams[0].answer(503, 'x-envoy-immediate-health-check-fail: true\r\n')
  await mesh.check(4)
  assert.equal(mesh.flags[0], '/failed_active_hc/degraded_active_hc/excluded_via_immediate_hc_fail')
  const page = [...jsonText(clustersJson(mesh.proxy.clusters.all(), true))].join('')
  const { cluster_statuses: statuses } = JSON.parse(page) as {
    cluster_statuses: { host_statuses: { health_status: object }[] }[]
  }
  assert.deepEqual(statuses[0]?.host_statuses[0]?.health_status, {
    failed_active_health_check: true,
    failed_active_degraded_check: true,
    excluded_via_immediate_hc_fail: true,
    eds_health_status: 'HEALTHY',
  })
})

test('the answer to a request can fail its endpoint at once', async () => {
  const { scene: mesh, upstreams } = await scene(1, HTTP)
  await mesh.check(1, 0)
  const says = ok('', 'x-envoy-immediate-health-check-fail: true\r\n')
  upstreams[0].raw.server.removeAllListeners('connection')
  upstreams[0].raw.server.on('connection', (socket: Socket) => void socket.on('data', () => socket.write(says)))
  assert.equal(await mesh.get(), 200)
  assert.deepEqual(mesh.flags, ['/failed_active_hc/excluded_via_immediate_hc_fail'])
  assert.deepEqual([mesh.stat('passive_failure'), mesh.stat('network_failure')], [1, 0])
  assert.equal(await mesh.get(), 503)
})

test('what a check sends, where, and what it takes for an answer', async () => {
  const http = {
    path: '/health',
    host: 'from.check',
    method: 'HEAD',
    expected_statuses: [
      { start: 201, end: 205 },
      { start: 300, end: 301 },
    ],
    request_headers_to_remove: ['User-Agent'],
    request_headers_to_add: [{ header: { key: 'X-Check', value: 'a' } }, { header: { key: 'x-check', value: 'b' } }],
    service_name_matcher: { prefix: 'locations' },
  }
  const other = await Upstream.start()
  const config = { health_check_config: { port_value: other.raw.port, hostname: 'from.endpoint' } }
  const { scene: mesh, upstreams } = await scene(1, { ...TIMES, http_health_check: http }, {}, config)
  other.answer(204, 'x-envoy-upstream-healthchecked-cluster: locations-eu\r\n')
  await mesh.check(1, 0)
  assert.deepEqual(mesh.flags, ['healthy'])
  assert.equal(upstreams[0].checks, 0)
  const { head } = other.raw.requests[0]!
  assert.deepEqual(
    [head.method, head.authority, head.headers.slice(-4)],
    ['HEAD', 'from.endpoint', ['x-check', 'a', 'x-check', 'b']],
  )
  assert.ok(!head.headers.includes('user-agent'))
  other.answer(204, 'x-envoy-upstream-healthchecked-cluster: reviews\r\n')
  await mesh.check(1)
  assert.deepEqual(mesh.flags, ['/failed_active_hc'])
  assert.equal(mesh.stat('verify_cluster'), 2)
})

test('a body is looked at as far as it is kept', async () => {
  const receive = [{ text: '6f6b' }, { binary: Buffer.from('!').toString('base64') }]
  const http = { path: '/health', receive, response_buffer_size: 4 }
  const { scene: mesh, upstreams } = await scene(1, { ...TIMES, http_health_check: http })
  upstreams[0].check = ok('ok !!')
  await mesh.check(1, 0)
  assert.deepEqual(mesh.flags, ['healthy'])
  upstreams[0].check = ok('ok  !')
  await mesh.check(1)
  assert.deepEqual(mesh.flags, ['/failed_active_hc'])
})

test('connections of checks are kept, or not', async () => {
  for (const reuse of [true, false]) {
    const { scene: mesh, upstreams } = await scene(1, { ...HTTP, reuse_connection: reuse })
    const sockets = new Set<unknown>()
    await mesh.check(1, 0)
    await mesh.check(1)
    for (const { socket } of upstreams[0].raw.requests) sockets.add(socket)
    assert.equal(sockets.size, reuse ? 1 : 2)
  }
})

test('how long it is until the next check', async () => {
  const times = {
    interval: '4s',
    unhealthy_interval: '5s',
    unhealthy_edge_interval: '6s',
    healthy_edge_interval: '7s',
    no_traffic_interval: '8s',
    no_traffic_healthy_interval: '9s',
  }
  const retriable = { path: '/health', retriable_statuses: [{ start: 503, end: 504 }] }
  const { scene: mesh, upstreams } = await scene(1, { ...TIMES, ...times, http_health_check: retriable })
  const asked = async (ms: number): Promise<void> => {
    const { checks } = upstreams[0]
    mesh.clock.advance(ms - 1)
    assert.equal(upstreams[0].checks, checks)
    await mesh.check(1, 1)
  }
  upstreams[0].answer(503)
  await mesh.check(1, 0)
  upstreams[0].check = ok()
  await asked(8000)
  await asked(9000)
  assert.equal(await mesh.get(), 200)
  await asked(9000)
  upstreams[0].answer(503)
  await asked(4000)
  await asked(6000)
  assert.deepEqual(mesh.flags, ['/failed_active_hc'])
  upstreams[0].check = ok()
  await asked(5000)
  await asked(7000)
  assert.deepEqual(mesh.flags, ['healthy'])
  await asked(4000)
})

test('no pause is longer than what a timer takes', async () => {
  const times = { no_traffic_interval: '2147483s', interval_jitter: '2147483s', interval_jitter_percent: 4_294_967_295 }
  const { scene: mesh, upstreams } = await scene(1, { ...HTTP, ...times })
  await mesh.check(1, 0)
  mesh.clock.advance(2 ** 31 - 2)
  assert.equal(upstreams[0].checks, 1)
  await mesh.check(1, 1)
})

test('until their first check endpoints are not counted, where config says so; panic is by the others', async () => {
  const more = { common_lb_config: { ignore_new_hosts_until_first_hc: true } }
  const upstreams = [await Upstream.start(), await Upstream.start(), await Upstream.start()]
  const mesh = new Scene([])
  mesh.apply(HTTP, { type: 'EDS', load_assignment: null, eds_cluster_config: { eds_config: { ads: {} } }, ...more })
  mesh.listen()
  const endpoints = (...chosen: Upstream[]): void => {
    const message = parse(ClusterLoadAssignmentSchema, mesh.assignment(chosen.map(({ raw }) => raw.port)))
    assert.deepEqual(mesh.proxy.apply('endpoint', [message]), [])
  }
  endpoints(upstreams[0]!)
  assert.deepEqual(mesh.flags, ['/failed_active_hc/pending_active_hc'])
  await mesh.check(1, 0)
  endpoints(...upstreams)
  assert.equal(
    mesh.proxy.clusters.areChecked,
    true,
    'a listener waits for the first endpoints, not for those that come later',
  )
  for (let i = 0; i < 4; i++) assert.equal(await mesh.get(), 200)
  assert.equal(upstreams[0]!.served, 4)
  upstreams[1]!.answer(500)
  upstreams[2]!.answer(500)
  await mesh.check(2, 0)
  assert.deepEqual(mesh.flags, ['healthy', '/failed_active_hc', '/failed_active_hc'])
  // Now a third is well: panic.
  for (let i = 0; i < 3; i++) await mesh.get()
  assert.deepEqual(
    upstreams.map(({ served }) => served),
    [5, 1, 1],
  )
})

test('an endpoint that discovery does not name any more stays while its checks are good', async () => {
  for (const ignores of [false, true]) {
    const [first, second] = [await Upstream.start(), await Upstream.start()]
    const mesh = new Scene([])
    const eds = { type: 'EDS', load_assignment: null, eds_cluster_config: { eds_config: { ads: {} } } }
    mesh.apply(HTTP, { ...eds, ignore_health_on_host_removal: ignores })
    mesh.listen()
    const endpoints = (...chosen: Upstream[]): void => {
      const message = parse(ClusterLoadAssignmentSchema, mesh.assignment(chosen.map(({ raw }) => raw.port)))
      assert.deepEqual(mesh.proxy.apply('endpoint', [message]), [])
    }
    endpoints(first, second)
    await mesh.check(2, 0)
    endpoints(first)
    assert.deepEqual(mesh.flags, ignores ? ['healthy'] : ['healthy', '/pending_dynamic_removal'])
    if (ignores) continue
    endpoints(first, second)
    assert.deepEqual(mesh.flags, ['healthy', 'healthy'])
    endpoints(first)
    second.answer(500)
    await mesh.check(2)
    assert.deepEqual(mesh.flags, ['healthy'])
    assert.equal(mesh.stat('healthy'), 1)
  }
})

test('what health checks say is kept over a change of the cluster, and an endpoint may be left out of them', async () => {
  const { scene: mesh, upstreams } = await scene(2, HTTP)
  upstreams[0].answer(500)
  await mesh.check(2, 0)
  mesh.apply({ ...HTTP, interval: '20s' })
  assert.deepEqual(mesh.flags, ['/failed_active_hc', 'healthy'])
  assert.equal(await mesh.get(), 200)
  await mesh.check(2, 0)
  assert.deepEqual([mesh.stat('healthy'), mesh.stat('attempt')], [1, 4])
  mesh.apply(HTTP, {}, { health_check_config: { disable_active_health_check: true } })
  assert.deepEqual(mesh.flags, ['healthy', 'healthy'])
  mesh.clock.advance(60_000)
  assert.deepEqual([mesh.stat('healthy'), mesh.stat('attempt')], [0, 4])
})

test('TCP: a connection will do, or what comes back over it', async () => {
  for (const receive of [[], [{ text: '504f' }, { text: '4e47' }]]) {
    let answer = 'PONG'
    const sockets: Socket[] = []
    const server = createTcpServer(socket => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.on('data', data => {
        if (data.toString() === 'PING') socket.write(answer)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const mesh = new Scene([(server.address() as AddressInfo).port])
    mesh.apply({ ...TIMES, tcp_health_check: { send: { text: '50494e47' }, receive } })
    await mesh.check(1, 0)
    assert.deepEqual(mesh.flags, ['healthy'])
    await mesh.check(1)
    assert.equal(sockets.length, receive.length > 0 ? 1 : 2)
    if (receive.length > 0) {
      answer = 'GNOP'
      for (const at of [0, 1]) {
        mesh.clock.advance(10_000)
        await until(() => sockets[at]?.bytesRead === (at === 0 ? 12 : 4))
        mesh.clock.advance(1001)
      }
      assert.deepEqual(mesh.flags, ['/failed_active_hc/active_hc_timeout'])
    }
    server.close()
    for (const socket of sockets) socket.destroy()
    await mesh.check(1)
    await mesh.check(1)
    assert.deepEqual(mesh.flags, ['/failed_active_hc'])
  }
})

const HTTP2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
}

interface GrpcUpstream {
  readonly server: Http2Server
  readonly sessions: Set<ServerHttp2Session>
  readonly calls: { readonly path: string; readonly authority: string; readonly mark: unknown; readonly body: Buffer }[]
  /** Null: no answer. */
  answer: { readonly message: readonly number[]; readonly status: string } | null
}

async function grpcUpstream(): Promise<GrpcUpstream> {
  const upstream: GrpcUpstream = { server: createHttp2Server(), sessions: new Set(), calls: [], answer: null }
  upstream.server.on('session', session => {
    upstream.sessions.add(session)
    session.on('close', () => upstream.sessions.delete(session))
  })
  upstream.server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const [path = '', authority = ''] = [headers[':path'], headers[':authority']]
      upstream.calls.push({ path, authority, mark: headers['x-mark'], body: Buffer.concat(chunks) })
      if (upstream.answer === null) return
      const { message, status } = upstream.answer
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }))
      stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]))
    })
  })
  upstream.server.listen(0, '127.0.0.1')
  await once(upstream.server, 'listening')
  ends.push(async () => {
    for (const session of upstream.sessions) session.destroy()
    upstream.server.close()
  })
  return upstream
}

test('gRPC: only SERVING is well, whatever else the answer holds', async () => {
  const upstream = await grpcUpstream()
  const mesh = new Scene([(upstream.server.address() as AddressInfo).port])
  const grpc = {
    service_name: 'a.b.C',
    authority: 'who',
    initial_metadata: [{ header: { key: 'X-Mark', value: 'm' } }],
  }
  upstream.answer = { message: [0x08, 1, 0x12, 1, 0x61], status: '0' }
  mesh.apply({ ...TIMES, grpc_health_check: grpc }, HTTP2)
  await mesh.check(1, 0)
  assert.deepEqual(mesh.flags, ['healthy'])
  assert.deepEqual(upstream.calls, [
    {
      path: '/grpc.health.v1.Health/Check',
      authority: 'who',
      mark: 'm',
      body: Buffer.from([0, 0, 0, 0, 7, 0x0a, 5, ...Buffer.from('a.b.C')]),
    },
  ])
  const well = { message: [0x08, 1], status: '0' }
  const bad = [
    { message: [0x08, 2], status: '0' },
    { message: [], status: '0' },
    { message: [0x08, 1], status: '12' },
    { message: [0x0f, 0xff], status: '0' },
  ]
  for (const answer of bad) {
    upstream.answer = answer
    await mesh.check(1)
    assert.deepEqual(mesh.flags, ['/failed_active_hc'], JSON.stringify(answer))
    upstream.answer = well
    await mesh.check(1)
    await mesh.check(1)
    assert.deepEqual(mesh.flags, ['healthy'])
  }
  assert.equal(upstream.sessions.size, 1)
  upstream.answer = null
  const { length } = upstream.calls
  mesh.clock.advance(10_000)
  await until(() => upstream.calls.length === length + 1)
  mesh.clock.advance(1001)
  assert.equal(mesh.stat('network_failure'), 1)
  upstream.answer = well
  await mesh.check(1)
  assert.equal(upstream.sessions.size, 1, 'only the stream was given up')
})

test('HTTP/2 checks; a connection that says GOAWAY is left for another', async () => {
  const upstream = createHttp2Server()
  const sessions: ServerHttp2Session[] = []
  upstream.on('session', session => sessions.push(session))
  upstream.on('stream', (stream: ServerHttp2Stream) => stream.respond({ ':status': 200 }, { endStream: true }))
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  ends.push(async () => {
    for (const session of sessions) session.destroy()
    upstream.close()
  })
  const mesh = new Scene([(upstream.address() as AddressInfo).port])
  mesh.apply({ ...TIMES, http_health_check: { path: '/health', codec_client_type: 'HTTP2' } })
  await mesh.check(1, 0)
  await mesh.check(1)
  assert.deepEqual([mesh.flags, sessions.length], [['healthy'], 1])
  sessions[0]!.close()
  await once(sessions[0]!, 'close')
  await mesh.check(1)
  assert.deepEqual([mesh.flags, sessions.length], [['healthy'], 2])
})

test('checks go through the transport socket of their own choice', async () => {
  const authority = await TestAuthority.create()
  const { certificateChain: cert, privateKey: key } = await authority.issue({ names: [{ type: 'dns', value: 'a' }] })
  const offered: unknown[] = []
  const server = createHttpsServer({ cert, key }, (_, response) => response.end())
  server.on('secureConnection', ({ alpnProtocol }: TLSSocket) => offered.push(alpnProtocol))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  const tls = {
    name: 'tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      common_tls_context: { validation_context: { trusted_ca: { inline_string: authority.bundle } } },
    },
  }
  const mesh = new Scene([(server.address() as AddressInfo).port])
  const matches = { transport_socket_matches: [{ name: 'm', match: { secured: 'yes' }, transport_socket: tls }] }
  mesh.apply({ ...HTTP, transport_socket_match_criteria: { secured: 'yes' } }, matches)
  await mesh.check(1, 0)
  assert.deepEqual([mesh.flags, offered], [['healthy'], [false]], 'Envoy offers no ALPN of its own')
  mesh.apply(HTTP, matches)
  await mesh.check(1, 0)
  await mesh.check(1)
  assert.deepEqual(mesh.flags, ['/failed_active_hc'])
  mesh.apply(HTTP, { transport_socket: tls })
  await mesh.check(1, 0)
  assert.deepEqual(mesh.flags, ['healthy'])
})

test('TCP connections to an endpoint that fails are closed where config says so', async () => {
  for (const closes of [true, false]) {
    const { scene: mesh, upstreams } = await scene(1, HTTP, { close_connections_on_host_health_failure: closes })
    await mesh.check(1, 0)
    const client = connect(await boundPort(mesh.proxy, 't'), '127.0.0.1')
    let isClosed = false
    client.on('close', () => {
      isClosed = true
    })
    client.on('error', () => {})
    client.write('GET /tcp HTTP/1.1\r\nhost: a\r\n\r\n')
    await once(client, 'data')
    upstreams[0].answer(500)
    await mesh.check(1)
    if (closes) await until(() => isClosed)
    else {
      client.write('GET /tcp HTTP/1.1\r\nhost: a\r\n\r\n')
      await once(client, 'data')
      client.destroy()
    }
  }
})

test('in panic an endpoint that failed is connected to anew', async () => {
  const panic = { common_lb_config: {} }
  const { scene: mesh, upstreams } = await scene(1, HTTP, panic)
  await mesh.check(1, 0)
  assert.equal(await mesh.get(), 200)
  upstreams[0].answer(500)
  await mesh.check(1)
  assert.equal(await mesh.get(), 200)
  assert.equal(await mesh.get(), 200)
  const used = upstreams[0].raw.requests.filter(({ head }) => head.path === '/').map(({ socket }) => socket)
  assert.equal(new Set(used).size, 2)
})

test('an ejected endpoint comes back with a good check, unless config says no', async () => {
  for (const comesBack of [true, false]) {
    const outlier = {
      consecutive_5xx: 1,
      max_ejection_percent: 100,
      successful_active_health_check_uneject_host: comesBack,
    }
    const { scene: mesh, upstreams } = await scene(1, HTTP, { outlier_detection: outlier })
    await mesh.check(1, 0)
    await upstreams[0].raw.close()
    assert.equal(await mesh.get(), 503)
    assert.deepEqual(mesh.flags, ['/failed_outlier_check'])
    upstreams[0].raw.server.listen(upstreams[0].raw.port, '127.0.0.1')
    await once(upstreams[0].raw.server, 'listening')
    await mesh.check(1)
    assert.deepEqual(mesh.flags, [comesBack ? 'healthy' : '/failed_outlier_check'])
  }
})

test('what cannot be honoured, or makes no sense, is refused by name', () => {
  const refused: readonly [Fields, string, RegExp][] = [
    [{ ...HTTP, alt_port: 1 }, 'health_checks[0].alt_port', /not supported/],
    [{ ...HTTP, tls_options: {} }, 'health_checks[0].tls_options', /not supported/],
    [{ ...HTTP, event_log_path: '/x' }, 'health_checks[0].event_log_path', /not supported/],
    [{ ...HTTP, event_logger: [{ name: 'x' }] }, 'health_checks[0].event_logger', /not supported/],
    [{ ...HTTP, timeout: '0s' }, 'health_checks[0].timeout', /0.001s/],
    [{ ...HTTP, interval: null }, 'health_checks[0].interval', /required/],
    [{ ...HTTP, interval: '99999999s' }, 'health_checks[0].interval', /at most/],
    [{ ...HTTP, interval_jitter: '2147484s' }, 'health_checks[0].interval_jitter', /at most 2147483.647s/],
    [{ ...HTTP, initial_jitter: '2147484s' }, 'health_checks[0].initial_jitter', /at most/],
    [{ ...HTTP, interval_jitter: '-1s' }, 'health_checks[0].interval_jitter', /not be negative/],
    [{ ...HTTP, healthy_threshold: null }, 'health_checks[0].healthy_threshold', /required/],
    [TIMES, 'health_checks[0]', /needs http_health_check/],
    [{ ...TIMES, custom_health_check: { name: 'redis' } }, 'health_checks[0].custom_health_check', /not supported/],
    [{ ...TIMES, grpc_health_check: {} }, 'health_checks[0].grpc_health_check', /HTTP\/2/],
    [{ ...TIMES, http_health_check: {} }, 'health_checks[0].http_health_check.path', /visible/],
    [{ ...TIMES, http_health_check: { path: '/ x\r\n' } }, 'health_checks[0].http_health_check.path', /visible/],
    [
      { ...TIMES, http_health_check: { path: '/', host: 'a\r\nb' } },
      'health_checks[0].http_health_check.host',
      /visible/,
    ],
    [
      { ...TIMES, http_health_check: { path: '/', send: { text: '00' } } },
      'health_checks[0].http_health_check.send',
      /not/,
    ],
    [
      { ...TIMES, http_health_check: { path: '/', method: 'CONNECT' } },
      'health_checks[0].http_health_check.method',
      /CONNECT/,
    ],
    [
      { ...TIMES, http_health_check: { path: '/', codec_client_type: 'HTTP3' } },
      'health_checks[0].http_health_check.codec_client_type',
      /HTTP2/,
    ],
    [
      { ...TIMES, http_health_check: { path: '/', expected_statuses: [{ start: 300, end: 200 }] } },
      'health_checks[0].http_health_check.expected_statuses[0]',
      /begin before/,
    ],
    [
      {
        ...TIMES,
        http_health_check: { path: '/', request_headers_to_add: [{ header: { key: 'a', value: '%PROTOCOL%' } }] },
      },
      'health_checks[0].http_health_check.request_headers_to_add[0].header.value',
      /command operators/,
    ],
    [
      { ...TIMES, tcp_health_check: { send: { text: 'zz' } } },
      'health_checks[0].tcp_health_check.send.text',
      /hexadecimal/,
    ],
    [
      { ...TIMES, tcp_health_check: { receive: [{}] } },
      'health_checks[0].tcp_health_check.receive[0]',
      /text or binary/,
    ],
  ]
  for (const [check, path, why] of refused) {
    const proxy = openProxy()
    const cluster = parse(ClusterSchema, { name: 'c', type: 'EDS', health_checks: [check] })
    const problems = proxy.apply('cluster', [cluster])
    assert.deepEqual([problems.length, problems[0]?.path], [1, path])
    assert.match(problems[0]!.message, why)
  }
  const two = parse(ClusterSchema, { name: 'c', type: 'EDS', health_checks: [HTTP, HTTP] })
  assert.equal(openProxy().apply('cluster', [two])[0]?.path, 'health_checks')
})
