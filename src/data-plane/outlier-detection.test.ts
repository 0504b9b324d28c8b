// Outlier detection through a whole proxy: what endpoints answer decides whether they are asked again.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { FakeClock } from '../base/clock.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { clustersText } from './admin/clusters-page.ts'
import { exchange, RawClient } from './http/testing/raw-client.ts'
import { ok, type RawUpstream, rawUpstream } from './http/testing/raw-upstream.ts'
import { boundPort, connectionManager, listener, openProxy, parse, routes, tcpProxy } from './mesh-fixture.ts'
import type { Proxy } from './proxy.ts'

const ends: (() => Promise<void>)[] = []
after(async () => {
  for (const end of ends) await end()
})

/** Answers what its `status` says; 0: closes the connection instead; 1: does not answer. */
class Upstream {
  status = 200
  grpcStatus: number | null = null
  raw!: RawUpstream

  static async start(): Promise<Upstream> {
    const upstream = new Upstream()
    upstream.raw = await rawUpstream(({ socket }) => {
      const { status, grpcStatus } = upstream
      if (status === 1) return undefined
      if (status === 0) {
        socket.destroy()
        return undefined
      }
      if (grpcStatus !== null) return ok('', `content-type: application/grpc\r\ngrpc-status: ${grpcStatus}\r\n`)
      return status === 200 ? ok() : `HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`
    })
    ends.push(() => upstream.raw.close())
    return upstream
  }

  get asked(): number {
    return this.raw.requests.length
  }
}

interface Scene {
  readonly proxy: Proxy
  readonly clock: FakeClock
  readonly port: number
  readonly upstreams: readonly Upstream[]
  stat(name: string): number | undefined
  flags(): (string | undefined)[]
  get(fields?: string): Promise<number>
}

type Fields = { readonly [key: string]: JsonValue }

async function scene(size: number, detection: Fields, more: Fields = {}, route: Fields = {}): Promise<Scene> {
  const clock = new FakeClock()
  const proxy = openProxy({ clock })
  ends.push(() => proxy.close())
  const upstreams = await Promise.all(Array.from({ length: size }, () => Upstream.start()))
  const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } })
  const endpoints = upstreams.map(({ raw }) => ({ endpoint: { address: address(raw.port) } }))
  const cluster = parse(ClusterSchema, {
    name: 'c',
    type: 'STATIC',
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    outlier_detection: detection,
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: endpoints }] },
    ...more,
  })
  assert.deepEqual(proxy.apply('cluster', [cluster]), [])
  const table = routes('r', 'c') as { virtual_hosts: { routes: { route: Fields }[] }[] }
  table.virtual_hosts[0]!.routes[0]!.route = { cluster: 'c', timeout: '0s', ...route }
  const filters = [connectionManager({ route_config: table as unknown as Fields })]
  assert.deepEqual(
    proxy.apply('listener', [listener('l', [{ filters }]), listener('t', [{ filters: [tcpProxy('c')] }])]),
    [],
  )
  const port = await boundPort(proxy, 'l')
  return {
    proxy,
    clock,
    port,
    upstreams,
    stat: name => proxy.stats.value(`cluster.c.outlier_detection.${name}`),
    flags: () => [...clusters(proxy).matchAll(/::health_flags::(.*)/g)].map(match => match[1]),
    get: async (fields = '') => (await exchange(port, `GET / HTTP/1.1\r\nhost: a\r\n${fields}\r\n`)).status,
  }
}

const SECOND = { interval: '1s', base_ejection_time: '2s', max_ejection_percent: 50 }

function clusters(proxy: Proxy): string {
  return [...clustersText(proxy.clusters.all(), true)].join('')
}

async function repeat(times: number, act: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < times; i++) await act()
}

test('an endpoint that answers 5xx again and again is left out, and back after its time', async () => {
  const { upstreams, clock, stat, flags, get } = await scene(2, { ...SECOND, consecutive_5xx: 3 })
  const [bad, good] = upstreams as [Upstream, Upstream]
  bad.status = 500
  await repeat(6, get)
  assert.deepEqual([bad.asked, good.asked], [3, 3])
  assert.deepEqual(flags(), ['/failed_outlier_check', 'healthy'])
  assert.equal(stat('ejections_active'), 1)
  await repeat(4, get)
  assert.deepEqual([bad.asked, good.asked], [3, 7])
  // The other one fails, too, and stays: half is as much as may be out.
  good.status = 503
  await repeat(3, get)
  assert.equal(stat('ejections_overflow'), 1)
  assert.deepEqual(flags(), ['/failed_outlier_check', 'healthy'])
  clock.advance(1999)
  assert.equal(stat('ejections_active'), 1)
  clock.advance(1001)
  assert.deepEqual(flags(), ['healthy', 'healthy'])
  assert.equal(stat('ejections_active'), 0)
  assert.deepEqual(
    ['ejections_enforced_consecutive_5xx', 'ejections_detected_consecutive_5xx', 'ejections_total'].map(stat),
    [1, 2, 1],
  )
})

test('nothing sweeps while there is nothing to sweep', async () => {
  const { clock, upstreams, get } = await scene(2, { ...SECOND, consecutive_5xx: 1 })
  upstreams[0]!.status = 500
  await repeat(2, get)
  // By then the idle connections are closed, too.
  clock.advance(2 * 3_600_000)
  assert.equal(clock.pendingTimers, 0)
})

test('connections that fail and resets count as errors; where they are split, connections that fail count apart', async () => {
  for (const split of [false, true]) {
    const { upstreams, stat, get } = await scene(2, {
      ...SECOND,
      consecutive_5xx: 2,
      consecutive_local_origin_failure: 2,
      split_external_local_origin_errors: split,
    })
    upstreams[0]!.status = 0
    await repeat(2, get)
    await upstreams[0]!.raw.close()
    await repeat(split ? 4 : 2, get)
    const cause = split ? 'consecutive_local_origin_failure' : 'consecutive_5xx'
    assert.equal(stat(`ejections_enforced_${cause}`), 1, String(split))
    assert.equal(stat('ejections_enforced_total'), 1)
  }
})

test('no answer in time is a gateway error', async () => {
  const detection = { ...SECOND, consecutive_gateway_failure: 1, enforcing_consecutive_gateway_failure: 100 }
  for (const route of [{ timeout: '1s' }, { retry_policy: { num_retries: 0, per_try_timeout: '1s' } }]) {
    const { upstreams, clock, stat, get } = await scene(2, detection, {}, route)
    upstreams[0]!.status = 1
    const both = [get(), get()]
    assert.equal(await Promise.race(both), 200)
    while (upstreams[0]!.asked === 0) await new Promise(setImmediate)
    clock.advance(1010)
    assert.equal(stat('ejections_enforced_consecutive_gateway_failure'), 1)
    assert.deepEqual((await Promise.all(both)).sort(), [200, 504])
  }
})

test('a gRPC status is what counts of a gRPC response', async () => {
  const { upstreams, stat, get } = await scene(2, { ...SECOND, consecutive_5xx: 1 })
  const fields = 'content-type: application/grpc\r\n'
  for (const upstream of upstreams) upstream.grpcStatus = 5
  await repeat(2, () => get(fields))
  assert.equal(stat('ejections_active'), 0, 'NOT_FOUND is the caller’s affair')
  upstreams[0]!.grpcStatus = 14
  await repeat(2, () => get(fields))
  assert.equal(stat('ejections_active'), 1)
})

test('success rates are compared when the interval is over', async () => {
  const { upstreams, clock, proxy, stat, flags, get } = await scene(5, {
    ...SECOND,
    consecutive_5xx: 0,
    success_rate_request_volume: 4,
    success_rate_stdev_factor: 1000,
  })
  upstreams[0]!.status = 500
  await repeat(20, get)
  clock.advance(1000)
  assert.deepEqual(flags(), ['/failed_outlier_check', 'healthy', 'healthy', 'healthy', 'healthy'])
  assert.equal(stat('ejections_enforced_success_rate'), 1)
  const page = clusters(proxy)
  assert.match(page, /^c::outlier::success_rate_average::80$/m)
  assert.match(page, /^c::127\.0\.0\.1:\d+::success_rate::0$/m)
  assert.match(page, /^c::127\.0\.0\.1:\d+::success_rate::100$/m)
})

test('TCP: connections that fail are errors, those that stand are not', async () => {
  const { upstreams, proxy, stat } = await scene(2, { ...SECOND, consecutive_5xx: 2 })
  const port = await boundPort(proxy, 't')
  await upstreams[0]!.raw.close()
  for (let i = 0; i < 4; i++) {
    const client = new RawClient(port)
    client.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await client.response()
    client.socket.destroy()
  }
  assert.equal(stat('ejections_enforced_consecutive_5xx'), 1)
})

test('with all out there is nobody to ask; in a panic all are asked', async () => {
  for (const threshold of [0, 50]) {
    const { upstreams, get } = await scene(
      2,
      { ...SECOND, consecutive_5xx: 1, max_ejection_percent: 100 },
      { common_lb_config: { healthy_panic_threshold: { value: threshold } } },
    )
    for (const upstream of upstreams) upstream.status = 500
    await repeat(2, get)
    assert.equal(await get(), threshold === 0 ? 503 : 500)
  }
})

test('an endpoint that comes back has to prove itself with a bounded number of requests', async () => {
  const metadata = { filter_metadata: { 'weft.dev': { half_open_probes: 2 } } }
  const { upstreams, clock, stat, flags, get } = await scene(2, { ...SECOND, consecutive_5xx: 1 }, { metadata })
  const [bad, good] = upstreams as [Upstream, Upstream]
  bad.status = 500
  await repeat(2, get)
  clock.advance(2000)
  assert.deepEqual(flags(), ['/half_open', 'healthy'])
  assert.equal(stat('half_open_active'), 1)
  // It fails its probe: out again, for twice the time.
  await repeat(6, get)
  assert.deepEqual([bad.asked, good.asked], [2, 6])
  assert.equal(stat('ejections_enforced_failed_probe'), 1)
  clock.advance(3000)
  assert.deepEqual(flags(), ['/failed_outlier_check', 'healthy'])
  clock.advance(1000)
  assert.deepEqual(flags(), ['/half_open', 'healthy'])
  // Two that it keeps waiting are all that it gets.
  bad.status = 1
  const asked = Array.from({ length: 4 }, () => get())
  while (bad.asked < 4) await new Promise(setImmediate)
  await repeat(4, get)
  assert.equal(bad.asked, 4)
  bad.status = 200
  for (const { socket } of bad.raw.requests.slice(-2)) socket.write(ok())
  await Promise.all(asked)
  assert.deepEqual(flags(), ['healthy', 'healthy'])
  assert.equal(stat('ejections_active'), 0)
})

test('endpoints on probation are usable: what they do not admit is no reason for a panic', async () => {
  const metadata = { filter_metadata: { 'weft.dev': { half_open_probes: 1 } } }
  const panic = { common_lb_config: { healthy_panic_threshold: { value: 60 } } }
  const detection = { ...SECOND, consecutive_5xx: 1, max_ejection_percent: 67 }
  const { upstreams, clock, stat, flags, get } = await scene(3, detection, { metadata, ...panic })
  const bad = upstreams.slice(1)
  for (const upstream of bad) upstream.status = 500
  while (stat('ejections_active') !== 2) await get()
  clock.advance(2000)
  assert.deepEqual(flags(), ['healthy', '/half_open', '/half_open'])
  for (const upstream of bad) upstream.status = 1
  const before = bad.map(({ asked }) => asked)
  const probes: Promise<number>[] = []
  while (bad.some(({ asked }, i) => asked === before[i])) {
    probes.push(get())
    await new Promise(setImmediate)
  }
  await repeat(6, get)
  assert.deepEqual(
    bad.map(({ asked }, i) => asked - before[i]!),
    [1, 1],
  )
  for (const { raw } of bad) raw.requests.at(-1)!.socket.write(ok())
  await Promise.all(probes)
})

test('a cluster whose config changes judges its endpoints anew, and counts on', async () => {
  const { proxy, upstreams, stat, get } = await scene(2, { ...SECOND, consecutive_5xx: 1 })
  upstreams[0]!.status = 500
  await repeat(2, get)
  assert.equal(stat('ejections_active'), 1)
  const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value: upstreams[0]!.raw.port } } }
  const next = parse(ClusterSchema, {
    name: 'c',
    type: 'STATIC',
    outlier_detection: SECOND,
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  })
  assert.deepEqual(proxy.apply('cluster', [next]), [])
  assert.equal(stat('ejections_active'), 0)
  assert.equal(stat('ejections_enforced_total'), 1)
})

test('what cannot be honoured is refused by name', async () => {
  const { proxy } = await scene(1, SECOND)
  const problems = proxy.apply('cluster', [
    parse(ClusterSchema, {
      name: 'd',
      type: 'STATIC',
      outlier_detection: { interval: '0s', max_ejection_percent: 101 },
      metadata: { filter_metadata: { 'weft.dev': { half_open_probes: 0.5, other: 1 } } },
    }),
  ])
  assert.deepEqual(problems.map(problem => problem.path).sort(), [
    'metadata.filter_metadata[weft.dev].half_open_probes',
    'metadata.filter_metadata[weft.dev].other',
    'outlier_detection.interval',
    'outlier_detection.max_ejection_percent',
  ])
})

const errorsAre = (matcher: JsonValue): Fields => ({
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http_protocol_options: {} },
      outlier_detection: { error_matcher: matcher },
    },
  },
})
const statusIs = (value: string): JsonValue => ({
  http_response_headers_match: { headers: [{ name: ':status', string_match: { exact: value } }] },
})

test('errors are what config takes for errors, and nothing else is', async () => {
  const detection = { ...SECOND, consecutive_5xx: 2, enforcing_consecutive_5xx: 0, consecutive_gateway_failure: 2 }
  const matcher = { or_match: { rules: [statusIs('429'), statusIs('503')] } }
  const { upstreams, stat, get } = await scene(1, detection, errorsAre(matcher))
  const [endpoint] = upstreams as [Upstream]
  const detected = async (status: number, fields = ''): Promise<unknown[]> => {
    const names = ['ejections_detected_consecutive_5xx', 'ejections_detected_consecutive_gateway_failure']
    const before = names.map(name => stat(name)!)
    endpoint.status = 200
    await get()
    endpoint.status = status
    await repeat(2, () => get(fields))
    return names.map((name, i) => stat(name)! - before[i]!)
  }
  // As Envoy 1.40 counts them: a 503 is still a gateway's, of gRPC the matcher is not asked.
  assert.deepEqual(await detected(429), [1, 0])
  assert.deepEqual(await detected(503), [1, 1])
  assert.deepEqual(await detected(500), [0, 0])
  assert.deepEqual(await detected(502), [0, 0])
  assert.deepEqual(await detected(429, 'content-type: application/grpc\r\n'), [0, 0])
  assert.deepEqual(await detected(500, 'content-type: application/grpc\r\n'), [1, 0])
})

test('what is an error may be said with any and all, not, and of other fields', async () => {
  const fields = (...headers: JsonValue[]): JsonValue => ({ http_response_headers_match: { headers } })
  const matcher = {
    and_match: {
      rules: [
        { not_match: fields({ name: ':status', string_match: { prefix: '2' } }) },
        fields({ name: 'content-length', present_match: true }),
        { any_match: true },
      ],
    },
  }
  const detection = { ...SECOND, consecutive_5xx: 1, max_ejection_percent: 100, base_ejection_time: '600s' }
  const { upstreams, stat, get } = await scene(1, detection, errorsAre(matcher))
  await get()
  assert.equal(stat('ejections_active'), 0)
  upstreams[0]!.status = 404
  await get()
  assert.equal(stat('ejections_active'), 1)
})
