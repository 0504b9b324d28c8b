// Overload: what config asks for, when actions are taken, and what clients get then.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry, fromJson, type JsonValue } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { FakeClock } from '../../base/clock.ts'
import { OverloadManagerSchema } from '../../xds/generated/envoy/config/overload/v3/overload_pb.ts'
import { file_envoy_extensions_resource_monitors_fixed_heap_v3_fixed_heap } from '../../xds/generated/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import { HTTP_CONNECTION_MANAGER } from '../filters/network/http-connection-manager/factory.ts'
import { FakeCluster, FakeStats, forwardRoute, startFakeProxy } from '../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../http/testing/raw-client.ts'
import { ok, rawUpstream } from '../http/testing/raw-upstream.ts'
import { compileOverload, type OverloadConfig } from './overload-config.ts'
import { actionsAt, NO_OVERLOAD, OverloadManager } from './overload-manager.ts'

const CONFIG: OverloadConfig = {
  refreshMs: 250,
  maxHeapBytes: 1000,
  thresholds: {
    stopAcceptingRequests: 0.95,
    disableHttpKeepalive: 0.9,
    rejectIncomingConnections: Number.POSITIVE_INFINITY,
  },
}

test('an action is taken from its threshold on, and no other', () => {
  assert.deepEqual(actionsAt(CONFIG, 899), NO_OVERLOAD)
  assert.deepEqual(actionsAt(CONFIG, 900), { ...NO_OVERLOAD, disableHttpKeepalive: true })
  assert.deepEqual(actionsAt(CONFIG, 950), {
    ...NO_OVERLOAD,
    disableHttpKeepalive: true,
    stopAcceptingRequests: true,
  })
})

test('more pressure never ends an action', () => {
  const bytes = fc.integer({ min: 0, max: 2000 })
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const less = actionsAt(CONFIG, Math.min(a, b))
      const more = actionsAt(CONFIG, Math.max(a, b))
      for (const name of Object.keys(less) as (keyof typeof less)[]) assert.ok(!less[name] || more[name])
    }),
  )
})

test('the process is looked at again and again; flags and stats follow', () => {
  const clock = new FakeClock()
  const stats = new FakeStats()
  let bytes = 100
  const manager = new OverloadManager(CONFIG, clock, () => bytes, stats)
  const { actions } = manager
  assert.equal(actions.stopAcceptingRequests, false)
  bytes = 990
  clock.advance(250)
  assert.equal(actions.stopAcceptingRequests, true)
  assert.equal(stats.value('overload.envoy.overload_actions.stop_accepting_requests.active'), 1)
  assert.equal(stats.value('overload.envoy.resource_monitors.fixed_heap.pressure'), 99)
  bytes = 100
  clock.advance(250)
  assert.equal(actions.stopAcceptingRequests, false)
  manager.close()
  bytes = 990
  clock.advance(1000)
  assert.equal(actions.stopAcceptingRequests, false)
})

test('requests are answered with 503, and connections end after their response', async () => {
  const upstream = await rawUpstream(() => ok('hello'))
  const overload = { ...NO_OVERLOAD }
  const clusters = [new FakeCluster('c', upstream.port)]
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters, overload })
  const request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
  assert.equal((await exchange(proxy.port, request)).body, 'hello')
  overload.stopAcceptingRequests = true
  const refused = await exchange(proxy.port, request)
  assert.equal(refused.status, 503)
  assert.equal(refused.body, 'envoy overloaded')
  assert.equal(proxy.logs[1]!.responseCodeDetails, 'overload')
  assert.equal(proxy.stats.value('http.test.downstream_rq_overload_close'), 1)
  overload.stopAcceptingRequests = false
  overload.disableHttpKeepalive = true
  const client = new RawClient(proxy.port).send(request)
  assert.equal((await client.response()).headers['connection'], 'close')
  await client.closed()
  assert.equal(upstream.requests.length, 2)
  await proxy.close()
  await upstream.close()
})

test('a request that an internal redirect makes is refused, too', async () => {
  const overload = { ...NO_OVERLOAD }
  const upstream = await rawUpstream(() => {
    overload.stopAcceptingRequests = true
    return 'HTTP/1.1 302 On\r\ncontent-length: 0\r\nlocation: http://a/next\r\n\r\n'
  })
  const clusters = [new FakeCluster('c', upstream.port)]
  const internalRedirects = {
    maxRedirects: 1,
    statuses: new Set([302]),
    predicates: [],
    allowsCrossScheme: false,
    headersToCopy: [],
  }
  const route = forwardRoute('c', { internalRedirects })
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters, overload, route })
  assert.equal((await exchange(proxy.port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')).status, 503)
  assert.equal(proxy.stats.value('http.test.downstream_rq_overload_close'), 1)
  assert.equal(upstream.requests.length, 1)
  await proxy.close()
  await upstream.close()
})

const registry = createRegistry(file_envoy_extensions_resource_monitors_fixed_heap_v3_fixed_heap)
const TYPE = 'type.googleapis.com/envoy.extensions.resource_monitors'
const heap = (bytes: number) => ({
  name: 'envoy.resource_monitors.fixed_heap',
  typed_config: { '@type': `${TYPE}.fixed_heap.v3.FixedHeapConfig`, max_heap_size_bytes: bytes },
})
const action = (name: string, ...triggers: object[]) => ({ name: `envoy.overload_actions.${name}`, triggers })
const trigger = (value: number) => ({ name: 'envoy.resource_monitors.fixed_heap', threshold: { value } })

function compile(json: object) {
  const check = new ResourceCheck('')
  const compiled = compileOverload(fromJson(OverloadManagerSchema, json as JsonValue, { registry }), check)
  return { ...compiled, problems: check.problems.map(({ path, message }) => `${path}: ${message}`) }
}

test('what config asks for', () => {
  const { overload, problems } = compile({
    refresh_interval: '0.25s',
    resource_monitors: [heap(1000)],
    actions: [action('stop_accepting_requests', trigger(0.95)), action('disable_http_keepalive', trigger(0.9))],
  })
  assert.deepEqual(problems, [])
  assert.deepEqual(overload, CONFIG)
})

test('what cannot be honoured is refused by name', () => {
  const { problems } = compile({
    resource_monitors: [{ name: 'envoy.resource_monitors.cpu_utilization' }],
    actions: [
      action('shrink_heap', trigger(0.9)),
      action('stop_accepting_requests', { name: 'other', threshold: { value: 1 } }, trigger(0.5)),
      action('disable_http_keepalive'),
    ],
    loadshed_points: [{ name: 'x', triggers: [trigger(1)] }],
  })
  assert.deepEqual(problems, [
    'overload_manager.loadshed_points: is not supported',
    'overload_manager.resource_monitors[0]: the resource monitor envoy.resource_monitors.cpu_utilization is not supported',
    'overload_manager.actions[0].name: the overload action envoy.overload_actions.shrink_heap is not supported',
    'overload_manager.actions[1].triggers[0].name: only envoy.resource_monitors.fixed_heap can trigger an action',
    'overload_manager.actions[1].triggers[1].name: there is no resource monitor envoy.resource_monitors.fixed_heap',
    'overload_manager.actions[2].triggers: must not be empty',
  ])
})
