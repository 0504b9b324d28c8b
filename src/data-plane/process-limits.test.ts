// Two event loops of one process: what is limited is counted for both. Here they share a thread, so that each request goes
// where the test sends it.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { JsonValue } from '@bufbuild/protobuf'
import { FakeClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { SharedSlots } from '../base/shared-slots.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { RouteConfigurationSchema } from '../xds/generated/envoy/config/route/v3/route_pb.ts'
import { exchange, RawClient, type RawResponse } from './http/testing/raw-client.ts'
import { ok, rawUpstream } from './http/testing/raw-upstream.ts'
import { boundPort, connectionManager, listener, openProxy, parse, rds, tcpProxy } from './mesh-fixture.ts'
import { sharedLimits } from './process-limits/shared-limits.ts'
import type { Proxy } from './proxy.ts'
import { MergedStats } from './stats/merged-stats.ts'

type Fields = { readonly [key: string]: JsonValue }

const ends: (() => Promise<unknown>)[] = []
after(async () => {
  for (const end of ends.reverse()) await end()
})

const address = (port: number): JsonValue => ({ socket_address: { address: '127.0.0.1', port_value: port } })

/** Answers by hand, but for paths below /busy. */
const upstream = await rawUpstream(({ head }) =>
  head.path.startsWith('/busy') ? 'HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n' : undefined,
)
ends.push(() => upstream.close())

interface Loop {
  readonly proxy: Proxy
  readonly http: number
  readonly tcp: number
  get(path?: string, fields?: string): Promise<RawResponse>
  stat(name: string): number | undefined
}

interface Scene {
  readonly a: Loop
  readonly b: Loop
  readonly clock: FakeClock
  readonly slots: SharedSlots
  /** Of the process, as /stats prints it. */
  stat(name: string): number
  setCluster(fields: Fields): void
}

interface SceneOptions {
  readonly cluster?: Fields
  readonly manager?: Fields
  readonly route?: Fields
  readonly slots?: number
  readonly maxConnections?: number
}

const clusterOf = (fields: Fields) =>
  parse(ClusterSchema, {
    name: 'c',
    type: 'STATIC',
    load_assignment: {
      cluster_name: 'c',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstream.port) } }] }],
    },
    ...fields,
  })

const breaker = (...thresholds: Fields[]): Fields => ({ circuit_breakers: { thresholds } })

function tableOf(route: Fields) {
  const to = (prefix: string, priority: string): Fields => ({
    match: { prefix },
    route: { cluster: 'c', timeout: '0s', priority, ...route },
  })
  const routes = [to('/high', 'HIGH'), to('/', 'DEFAULT')]
  return parse(RouteConfigurationSchema, { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], routes }] })
}

async function scene(options: SceneOptions): Promise<Scene> {
  const clock = new FakeClock()
  const memory = SharedSlots.allocate(2, options.slots ?? 1024)
  const slots = [0, 1].map(loop => new SharedSlots(memory, loop))
  const proxies = slots.map(one =>
    openProxy({
      clock,
      limits: sharedLimits(one, silentLog),
      ...(options.maxConnections ? { maxConnections: options.maxConnections } : {}),
    }),
  )
  const setCluster = (fields: Fields): void => {
    for (const proxy of proxies) assert.deepEqual(proxy.apply('cluster', [clusterOf(fields)]), [])
  }
  setCluster(options.cluster ?? {})
  const loops: Loop[] = []
  for (const proxy of proxies) {
    ends.push(() => proxy.close())
    assert.deepEqual(proxy.apply('route', [tableOf(options.route ?? {})]), [])
    const chains = [{ filters: [connectionManager({ ...rds('r'), ...options.manager })] }]
    const listeners = [listener('http', chains), listener('tcp', [{ filters: [tcpProxy('c')] }])]
    assert.deepEqual(proxy.apply('listener', listeners), [])
    const [http, tcp] = [await boundPort(proxy, 'http'), await boundPort(proxy, 'tcp')]
    loops.push({
      proxy,
      http,
      tcp,
      get: (path = '/', fields = '') => exchange(http, `GET ${path} HTTP/1.1\r\nhost: a\r\n${fields}\r\n`),
      stat: name => proxy.stats.value(`cluster.c.${name}`),
    })
  }
  const [a, b] = loops as [Loop, Loop]
  const stat = (name: string): number => {
    const merged = new MergedStats()
    for (const batch of a.proxy.stats.batches()) merged.addOwn(batch)
    for (const batch of b.proxy.stats.batches()) merged.addOther(batch)
    const [, value] = /: (\d+)\n/.exec([...merged.pages().text(each => each.name === `cluster.c.${name}`)].join(''))!
    return Number(value)
  }
  return { a, b, clock, slots: slots[0]!, stat, setCluster }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

/** What has come to the upstream since. */
function arrivals() {
  const before = upstream.requests.length
  return {
    get count() {
      return upstream.requests.length - before
    },
    answer() {
      for (const { socket } of upstream.requests.slice(before)) socket.write(ok())
    },
  }
}

test('max_requests: of the requests of both loops so many are let through, and the stats tell of the process', async () => {
  const { a, b, stat } = await scene({ cluster: breaker({ max_requests: 3, track_remaining: true }) })
  const arrived = arrivals()
  const first = [a, b, a].map(loop => loop.get())
  await until(() => arrived.count === 3)
  for (const loop of [a, b]) {
    const refused = await loop.get()
    assert.deepEqual([refused.status, refused.headers['x-envoy-overloaded']], [503, 'true'])
    assert.equal(refused.headers['x-weft-reason'], 'upstream_reset_before_response_started{overflow}')
    assert.equal(loop.stat('circuit_breakers.default.rq_open'), 1)
  }
  const gauges = (): number[] =>
    ['upstream_rq_active', 'circuit_breakers.default.rq_open', 'circuit_breakers.default.remaining_rq'].map(stat)
  assert.deepEqual(gauges(), [3, 1, 0])
  assert.equal(stat('upstream_rq_active_overflow'), 2)
  arrived.answer()
  for (const { status } of await Promise.all(first)) assert.equal(status, 200)
  assert.deepEqual(gauges(), [0, 0, 3])
})

test('max_connections and max_pending_requests: a pool may have one connection; who waits is counted for both loops', async () => {
  const thresholds = { max_connections: 1, max_pending_requests: 1, track_remaining: true }
  const { a, b, stat } = await scene({ cluster: breaker(thresholds) })
  const arrived = arrivals()
  const served = [a.get()]
  await until(() => arrived.count === 1)
  served.push(b.get())
  await until(() => arrived.count === 2)
  assert.equal(stat('upstream_cx_active'), 2)
  served.push(b.get())
  await until(() => stat('upstream_rq_pending_active') === 1)
  assert.equal((await a.get()).status, 503)
  assert.equal(stat('circuit_breakers.default.rq_pending_open'), 1)
  arrived.answer()
  await until(() => arrived.count === 3)
  upstream.requests.at(-1)!.socket.write(ok())
  for (const { status } of await Promise.all(served)) assert.equal(status, 200)
  assert.deepEqual(['upstream_cx_active', 'circuit_breakers.default.remaining_cx'].map(stat), [2, 0])
})

test('max_connections of TCP: what one loop has open the other may not', async () => {
  const { a, b, stat } = await scene({ cluster: breaker({ max_connections: 1 }) })
  const first = new RawClient(a.tcp)
  await until(() => a.stat('upstream_rq_active') === 1)
  await new RawClient(b.tcp).closed()
  assert.equal(stat('upstream_cx_overflow'), 1)
  first.socket.destroy()
  await until(() => a.stat('upstream_cx_active') === 0)
  const second = new RawClient(b.tcp)
  await until(() => b.stat('upstream_rq_active') === 1)
  second.socket.destroy()
  await until(() => stat('upstream_cx_active') === 0)
})

const RETRY = { retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '10s' } } }

test('max_retries: a retry that waits in one loop leaves none for the other', async () => {
  const { a, b, clock, stat } = await scene({ cluster: breaker({ max_retries: 1 }), route: RETRY })
  const first = a.get('/busy')
  await until(() => a.stat('upstream_rq_retry') === 1)
  assert.equal((await b.get('/busy')).status, 503)
  assert.equal(stat('upstream_rq_retry_overflow'), 1)
  clock.advance(100_000)
  assert.equal((await first).status, 503)
  const third = b.get('/busy')
  await until(() => b.stat('upstream_rq_retry') === 1)
  clock.advance(100_000)
  await third
})

test('a retry budget is a share of the requests under way in the process', async () => {
  const retry_budget = { budget_percent: { value: 50 }, min_retry_concurrency: 0 }
  const { a, b, clock, stat } = await scene({ cluster: breaker({ retry_budget }), route: RETRY })
  // Half of one is none.
  assert.equal((await a.get('/busy')).status, 503)
  assert.equal(stat('upstream_rq_retry_overflow'), 1)
  const arrived = arrivals()
  const other = b.get()
  await until(() => arrived.count === 1)
  const retried = a.get('/busy')
  await until(() => a.stat('upstream_rq_retry') === 1)
  arrived.answer()
  await other
  clock.advance(100_000)
  await retried
})

test('a retry budget with an interval is one of the requests that both loops have sent in it', async () => {
  const retry_budget = { budget_percent: { value: 50 }, min_retry_concurrency: 0, budget_interval: '2s' }
  const { a, b, clock } = await scene({ cluster: breaker({ retry_budget }), route: RETRY })
  assert.equal((await a.get('/busy')).status, 503)
  const retried = b.get('/busy')
  await until(() => b.stat('upstream_rq_retry') === 1)
  clock.advance(100_000)
  await retried
  assert.equal((await a.get('/busy')).status, 503)
  assert.equal(a.stat('upstream_rq_retry_overflow'), 2)
})

test('routes of high priority have limits of their own, whichever loops they are in', async () => {
  const high = { priority: 'HIGH', max_requests: 1 }
  const { a, b, stat } = await scene({ cluster: breaker({ max_requests: 1 }, high) })
  const arrived = arrivals()
  const served = [a.get('/high'), b.get('/')]
  await until(() => arrived.count === 2)
  assert.deepEqual(
    [(await b.get('/high')).status, (await a.get('/')).status, stat('upstream_rq_active')],
    [503, 503, 2],
  )
  assert.deepEqual(
    ['default', 'high'].map(priority => stat(`circuit_breakers.${priority}.rq_open`)),
    [1, 1],
  )
  arrived.answer()
  for (const { status } of await Promise.all(served)) assert.equal(status, 200)
})

test('what is under way counts against the limits that an update brings', async () => {
  const { a, b, setCluster } = await scene({ cluster: breaker({ max_requests: 5 }) })
  const arrived = arrivals()
  const served = [a.get(), b.get()]
  await until(() => arrived.count === 2)
  setCluster(breaker({ max_requests: 3 }))
  served.push(a.get())
  await until(() => arrived.count === 3)
  assert.equal((await b.get()).status, 503)
  setCluster(breaker({ max_requests: 4 }))
  served.push(b.get())
  await until(() => arrived.count === 4)
  arrived.answer()
  for (const { status } of await Promise.all(served)) assert.equal(status, 200)
})

test('what a loop had when it died is given back', async () => {
  const { a, b, slots } = await scene({ cluster: breaker({ max_requests: 2 }) })
  const arrived = arrivals()
  const lost = [b.get(), b.get()]
  await until(() => arrived.count === 2)
  assert.equal((await a.get()).status, 503)
  slots.forfeit(1)
  const served = [a.get(), a.get()]
  await until(() => arrived.count === 4)
  assert.equal((await a.get()).status, 503)
  arrived.answer()
  for (const { status } of await Promise.all(served)) assert.equal(status, 200)
  await Promise.all(lost)
})

test('max_active_downstream_connections: of both loops together', async () => {
  const { a, b } = await scene({ maxConnections: 2 })
  const open = [new RawClient(a.http), new RawClient(b.http)]
  await until(() => a.proxy.listeners.activeConnections + b.proxy.listeners.activeConnections === 2)
  for (const { http } of [a, b]) await new RawClient(http).closed()
  open[0]!.socket.destroy()
  await until(() => a.proxy.listeners.activeConnections === 0)
  const arrived = arrivals()
  const answer = b.get()
  await until(() => arrived.count === 1)
  arrived.answer()
  assert.equal((await answer).status, 200)
  open[1]!.socket.destroy()
})

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http'
const ALWAYS = { default_value: { numerator: 100 } }
const filter = (type: string, config: Fields = {}): JsonValue => ({
  name: `envoy.filters.http.${type.split('.')[0]}`,
  typed_config: { '@type': `${TYPES}.${type}`, ...config },
})
const bucket = (max_tokens: number): Fields => ({ max_tokens, fill_interval: '60s' })
const limit = (config: Fields): Fields => ({
  stat_prefix: 'l',
  filter_enabled: ALWAYS,
  filter_enforced: ALWAYS,
  ...config,
})
const RATE_LIMIT = 'local_ratelimit.v3.LocalRateLimit'
const filters = (config: Fields): Fields => ({
  http_filters: [filter(RATE_LIMIT, limit(config)), filter('router.v3.Router')],
})

/** How many of so many requests, sent to the loops in turn, are let through. */
async function passing({ a, b }: Scene, count: number, path = '/', fields = ''): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) => (index % 2 === 0 ? a : b).get(path, fields)),
  )
  for (const { status } of answers) assert.ok(status === 200 || status === 429, String(status))
  return answers.filter(({ status }) => status === 200).length
}

/** Answered at once, by routes that do not forward. */
async function limited(manager: Fields, perRoute: readonly (Fields | null)[] = [null, null]): Promise<Scene> {
  const made = await scene({ manager })
  const routes = ['/one', '/'].map((prefix, index) => ({
    match: { prefix },
    direct_response: { status: 200 },
    ...(perRoute[index] && {
      typed_per_filter_config: {
        'envoy.filters.http.local_ratelimit': { '@type': `${TYPES}.${RATE_LIMIT}`, ...perRoute[index] },
      },
    }),
  }))
  const table = { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], routes }] }
  for (const { proxy } of [made.a, made.b])
    assert.deepEqual(proxy.apply('route', [parse(RouteConfigurationSchema, table)]), [])
  return made
}

test('a token bucket of 10 lets 10 requests through, and what has flowed in since, for both loops', async () => {
  const made = await limited(filters({ token_bucket: bucket(10) }))
  assert.equal(await passing(made, 30), 10)
  made.clock.advance(120_000)
  assert.equal(await passing(made, 6), 2)
})

test('each route that has a bucket has one of its own, though others are like it', async () => {
  const own = limit({ token_bucket: bucket(3) })
  const made = await limited(filters({}), [own, own])
  assert.equal(await passing(made, 8, '/one'), 3)
  assert.equal(await passing(made, 8, '/'), 3)
})

const byUser = (entries: Fields[], more: Fields = {}): Fields =>
  filters({
    rate_limits: [{ actions: [{ request_headers: { header_name: 'user', descriptor_key: 'user' } }] }],
    descriptors: entries.map(entry => ({ entries: [{ key: 'user', ...entry }], token_bucket: bucket(2) })),
    token_bucket: bucket(100),
    ...more,
  })

test('descriptors have buckets for both loops, and so does each value that one stands for', async () => {
  const made = await limited(byUser([{ value: 'jason' }, {}]))
  for (const user of ['jason', 'ann', 'ben']) assert.equal(await passing(made, 6, '/', `user: ${user}\r\n`), 2)
})

test('a value is forgotten when both loops have forgotten it, and gives its slot back', async () => {
  const made = await limited(byUser([{}], { max_dynamic_descriptors: 1 }))
  const { a, b, slots } = made
  const ask = async (loop: Loop, user: string) => (await loop.get('/', `user: ${user}\r\n`)).status
  assert.deepEqual([await ask(a, 'ann'), await ask(b, 'ann'), await ask(a, 'ann')], [200, 200, 429])
  const before = slots.size
  assert.equal(await ask(a, 'ben'), 200)
  assert.equal(slots.size, before + 1)
  assert.equal(await ask(a, 'ann'), 429)
  assert.equal(slots.size, before)
  assert.deepEqual([await ask(a, 'ben'), await ask(b, 'ben'), await ask(a, 'ann')], [200, 200, 200])
})

test('local_rate_limit_per_downstream_connection: each connection by itself', async () => {
  const made = await limited(filters({ token_bucket: bucket(1), local_rate_limit_per_downstream_connection: true }))
  assert.equal(await passing(made, 6), 6)
})

test('max_active_faults: of both loops together', async () => {
  const delay = { fixed_delay: '3600s', percentage: { numerator: 100 } }
  const fault = filter('fault.v3.HTTPFault', { delay, max_active_faults: 1 })
  const { a, b } = await scene({ manager: { http_filters: [fault, filter('router.v3.Router')] } })
  const held = new RawClient(a.http).send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await until(() => a.proxy.stats.value('http.test.fault.active_faults') === 1)
  const arrived = arrivals()
  const answer = b.get()
  await until(() => arrived.count === 1)
  assert.equal(b.proxy.stats.value('http.test.fault.faults_overflow'), 1)
  arrived.answer()
  assert.equal((await answer).status, 200)
  held.socket.destroy()
  await until(() => a.proxy.stats.value('http.test.fault.active_faults') === 0)
})

test('what config has let go of gives its slots back', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const own = limit({ token_bucket: bucket(3) })
  const made = await limited(filters({ token_bucket: bucket(3) }), [own, null])
  await passing(made, 2, '/one')
  const { a, b, slots } = made
  const empty = parse(RouteConfigurationSchema, { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'] }] })
  // The downstream connections, four of the cluster, a bucket of the listener and one of the route.
  assert.equal(slots.size, 7)
  for (const { proxy } of [a, b]) {
    proxy.apply('route', [empty])
    proxy.apply('cluster', [], ['c'])
    proxy.apply('listener', [], ['http', 'tcp'])
  }
  // Beyond the time that the listeners' connections may take.
  made.clock.advance(100_000)
  while (slots.size > 1) {
    collect()
    await new Promise(setImmediate)
  }
})

test('config that has many limits is read once for all of them', () => {
  const limits = sharedLimits(new SharedSlots(SharedSlots.allocate(1, 64), 0), silentLog)
  let texts = 0
  const table = limits.within(() => `table ${++texts}`)
  for (const name of ['a', 'b', 'c']) table.within(() => name).cell('bucket', 0)
  table.part().cell('bucket', 0)
  assert.equal(texts, 1)
})

test('limits for which there is no slot hold in each loop by itself', async () => {
  const { a, b } = await scene({ cluster: breaker({ max_requests: 1 }), slots: 1 })
  const arrived = arrivals()
  const served = [a.get(), b.get()]
  await until(() => arrived.count === 2)
  for (const loop of [a, b]) assert.equal((await loop.get()).status, 503)
  arrived.answer()
  for (const { status } of await Promise.all(served)) assert.equal(status, 200)
})

test('no_traffic_interval: a connection of one loop is the end of it for both', async () => {
  const { a, b, clock, setCluster } = await scene({})
  const check = { timeout: '1s', interval: '4s', unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {} }
  setCluster({ health_checks: [check] })
  const result = (count: number) => until(() => b.stat('health_check.success') === count)
  clock.advance(0)
  await result(1)
  await a.get('/busy')
  clock.advance(59_999)
  assert.deepEqual([b.stat('upstream_cx_total'), b.stat('health_check.attempt')], [0, 1])
  clock.advance(1)
  await result(2)
  clock.advance(4000)
  assert.equal(b.stat('health_check.attempt'), 3)
  await result(3)
  // A cluster that is gone takes with it what was known of it.
  for (const { proxy } of [a, b]) proxy.apply('cluster', [], ['c'])
  setCluster({ health_checks: [check] })
  clock.advance(0)
  await result(1)
  clock.advance(4000)
  assert.equal(b.stat('health_check.attempt'), 1)
})
