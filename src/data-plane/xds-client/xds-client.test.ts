// The client against a scripted ADS server on a real port.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { DurationSchema } from '@bufbuild/protobuf/wkt'
import { status } from '@grpc/grpc-js'
import { FakeClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import type { Problem } from '../../base/problem.ts'
import { SeededRandom } from '../../base/random.ts'
import { ClusterSchema } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { NodeSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { ClusterLoadAssignmentSchema } from '../../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import { ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { RouteConfigurationSchema } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import {
  type DeltaDiscoveryRequest,
  type Resource,
  ResourceSchema,
} from '../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { type ResourceType, TYPE_URL } from '../../xds/type-url.ts'
import { createStats } from '../stats/stats-store.ts'
import { LastGood } from './last-good.ts'
import type { ResourceApplier } from './resource-applier.ts'
import { packResource as pack, ScriptedAds } from './testing/scripted-ads.ts'
import { XdsClient } from './xds-client.ts'

class RecordingApplier implements ResourceApplier {
  readonly log: string[] = []
  readonly names: Record<'endpoint' | 'route' | 'secret', readonly string[]> = {
    endpoint: [],
    route: [],
    secret: ['ROOTCA'],
  }
  refuse: ReadonlySet<string> = new Set()
  /** By type; absent: at once. */
  readonly bound: { [Type in ResourceType]?: Promise<Problem[]> } = {}

  async apply(type: ResourceType, resources: readonly { name: string }[], removed: readonly string[]) {
    this.log.push(`${type} +${resources.map(({ name }) => name)} -${removed}`)
    const problems = resources
      .filter(({ name }) => this.refuse.has(name))
      .flatMap(({ name }) =>
        ['first', 'second'].map(message => ({
          code: 'WEFT-4002' as const,
          severity: 'error' as const,
          object: `Cluster ${name}`,
          path: 'lb_policy',
          message: `${message} fault`,
        })),
      )
    return { problems, bound: this.bound[type] ?? Promise.resolve([]) }
  }

  wanted(type: 'endpoint' | 'route' | 'secret'): readonly string[] {
    return this.names[type]
  }
}

const cluster = (name: string, version: string): Resource =>
  pack(name, version, TYPE_URL.cluster, toBinary(ClusterSchema, create(ClusterSchema, { name })))
const listener = (name: string, version: string): Resource =>
  pack(name, version, TYPE_URL.listener, toBinary(ListenerSchema, create(ListenerSchema, { name })))

const routes = (name: string, version: string): Resource =>
  pack(name, version, TYPE_URL.route, toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, { name })))
const endpoints = (clusterName: string, version: string): Resource => {
  const message = create(ClusterLoadAssignmentSchema, { clusterName })
  return pack(clusterName, version, TYPE_URL.endpoint, toBinary(ClusterLoadAssignmentSchema, message))
}

/** Of the event loop: whatever waits for nothing else is done behind it. */
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

async function setUp(folder?: string) {
  const server = new ScriptedAds()
  await server.listen()
  const clock = new FakeClock()
  const applier = new RecordingApplier()
  const stats = createStats()
  const lastGood = folder === undefined ? null : new LastGood(folder, clock, silentLog)
  const client = new XdsClient({
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    stats: stats.root,
    node: create(NodeSchema, { id: 'sidecar~127.0.0.1~a.default~default.svc.cluster.local' }),
    target: `127.0.0.1:${server.port}`,
    credentials: () => null,
    applier,
    lastGood,
  })
  cleanups.push(
    () => client.stop(),
    () => server.close(),
  )
  return { server, clock, applier, stats, client }
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-last-good-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  return folder
}

test('subscribes to wildcards first, names what follows from them, and says who it is once', async () => {
  const { server, client, applier } = await setUp()
  await client.start()
  const { call, request } = await server.next('cluster')
  assert.deepEqual(request.resourceNamesSubscribe, ['*'])
  assert.equal(request.node?.id, 'sidecar~127.0.0.1~a.default~default.svc.cluster.local')
  const secret = (await server.next('secret')).request
  assert.deepEqual([secret.resourceNamesSubscribe, secret.node], [['ROOTCA'], undefined])
  assert.deepEqual((await server.next('listener')).request.resourceNamesSubscribe, ['*'])
  applier.names.endpoint = ['a']
  const nonce = server.send(call, 'cluster', [cluster('a', '1')])
  const ack = (await server.next('cluster')).request
  assert.deepEqual([ack.responseNonce, ack.errorDetail], [nonce, undefined])
  assert.deepEqual((await server.next('endpoint')).request.resourceNamesSubscribe, ['a'])
  applier.names.endpoint = ['b']
  applier.names.route = ['http_proxy']
  server.send(call, 'listener', [listener('l', '1')])
  await server.next('listener')
  const change = (await server.next('endpoint')).request
  assert.deepEqual([change.resourceNamesSubscribe, change.resourceNamesUnsubscribe], [['b'], ['a']])
  assert.deepEqual((await server.next('route')).request.resourceNamesSubscribe, ['http_proxy'])
  assert.ok(client.isInitialised)
})

test('a bad resource is refused with every reason, a good one beside it is applied', async () => {
  const { server, client, applier, stats } = await setUp()
  applier.refuse = new Set(['bad'])
  await client.start()
  const { call } = await server.next('cluster')
  server.send(call, 'cluster', [
    cluster('good', '1'),
    cluster('bad', '1'),
    pack('renamed', '1', TYPE_URL.cluster, toBinary(ClusterSchema, create(ClusterSchema, { name: 'other' }))),
    pack('garbage', '1', TYPE_URL.cluster, Buffer.from([0xff, 0xff])),
    pack('typed', '1', TYPE_URL.listener, Buffer.alloc(0)),
  ])
  const { request } = await server.next('cluster')
  const message = request.errorDetail?.message ?? ''
  for (const part of [
    'Cluster bad lb_policy: first fault',
    'second fault',
    'Cluster renamed: names itself other',
    'Cluster garbage',
    'Cluster typed: is a',
  ]) {
    assert.ok(message.includes(part), `${part} in ${message}`)
  }
  assert.ok(!message.includes('good'))
  assert.deepEqual(applier.log, ['cluster +good,bad -'])
  assert.equal(stats.value('cluster_manager.cds.update_rejected'), 1)
})

test('a large response is applied in turns, and answered once; listeners, which may swap addresses, in one', async () => {
  const { server, client, applier } = await setUp()
  applier.refuse = new Set(['r0', 'r110'])
  let now = 0
  const onTurn = (): void => {
    now++
    next = setImmediate(onTurn)
  }
  let next = setImmediate(onTurn)
  cleanups.push(() => clearImmediate(next))
  const turns: [type: ResourceType, size: number, removed: number, turn: number][] = []
  const apply = applier.apply.bind(applier)
  applier.apply = (type, resources, removed) => {
    turns.push([type, resources.length, removed.length, now])
    return apply(type, resources, removed)
  }
  await client.start()
  const { call } = await server.next('cluster')
  const many = Array.from({ length: 120 }, (_, i) => `r${i}`)
  const nonce = server.send(
    call,
    'cluster',
    many.map(name => cluster(name, '1')),
  )
  const refusal = (await server.answer('cluster', nonce)) ?? ''
  assert.match(refusal, /Cluster r0 (?:.*\n)*.*Cluster r110 /)
  await server.answer(
    'listener',
    server.send(
      call,
      'listener',
      many.map(name => listener(name, '1')),
      ['old'],
    ),
  )
  assert.deepEqual(
    turns.map(([type, size, removed]) => [type, size, removed]),
    [
      ['cluster', 50, 0],
      ['cluster', 50, 0],
      ['cluster', 20, 0],
      ['listener', 120, 1],
    ],
  )
  assert.equal(new Set(turns.map(([, , , at]) => at)).size, 4)
})

test('a response that names something twice is refused whole, as by Envoy', async () => {
  const { server, client, applier } = await setUp()
  await client.start()
  const { call } = await server.next('cluster')
  server.send(call, 'cluster', [cluster('a', '1'), cluster('b', '1'), cluster('a', '2')])
  assert.match((await server.next('cluster')).request.errorDetail?.message ?? '', /Cluster a: is named twice/)
  server.send(call, 'cluster', [cluster('b', '1')], ['b'])
  assert.match((await server.next('cluster')).request.errorDetail?.message ?? '', /Cluster b: is named twice/)
  assert.deepEqual(applier.log, [])
})

test('a response of more names than any mesh has is refused whole, whatever it says of them', async () => {
  const { server, client, applier } = await setUp()
  await client.start()
  const { call } = await server.next('cluster')
  const names = Array.from({ length: 100_001 }, (_, i) => `${i}`)
  const refusal = await server.answer('cluster', server.send(call, 'cluster', [cluster('a', '1')], names))
  assert.match(refusal ?? '', /100001 resources in one response/)
  assert.deepEqual(applier.log, [])
})

test('what has a time to live goes when nobody renews it, and is no config to start with', async () => {
  const folder = temporaryFolder()
  const { server, clock, client, applier } = await setUp(folder)
  await client.start()
  const { call } = await server.next('listener')
  const ttl = create(DurationSchema, { seconds: 10n })
  const send = async (resources: readonly Resource[]): Promise<DeltaDiscoveryRequest> => {
    server.send(call, 'listener', resources)
    return (await server.next('listener')).request
  }
  const heartbeat = (name: string, version: string): Resource => create(ResourceSchema, { name, version, ttl })
  await send([
    { ...listener('a', '1'), ttl },
    { ...listener('b', '1'), ttl },
    { ...listener('c', '1'), ttl },
    listener('d', '1'),
  ])
  clock.advance(9_000)
  assert.equal((await send([heartbeat('a', '1')])).errorDetail, undefined)
  await send([listener('c', '2')])
  assert.match((await send([heartbeat('b', '2')])).errorDetail?.message ?? '', /Listener b: is a nothing/)
  const before = applier.log.length
  clock.advance(9_000)
  while (applier.log.length === before) await turn()
  assert.deepEqual(applier.log.slice(before), ['listener + -b'])
  client.stop()
  assert.deepEqual(
    new LastGood(folder, clock, silentLog).load('listener').map(({ name }) => name),
    ['c', 'd'],
  )
})

test('what is renewed by a response that is being applied when its time is over stays', async () => {
  const { server, clock, client, applier } = await setUp()
  await client.start()
  const { call } = await server.next('cluster')
  const ttl = create(DurationSchema, { seconds: 10n })
  await server.answer('cluster', server.send(call, 'cluster', [{ ...cluster('a', '1'), ttl }]))
  const goOn = Promise.withResolvers<void>()
  const apply = applier.apply.bind(applier)
  let isWaiting = false
  applier.apply = async (type, resources, removed) => {
    isWaiting = true
    await goOn.promise
    return apply(type, resources, removed)
  }
  const nonce = server.send(call, 'cluster', [{ ...cluster('a', '2'), ttl }])
  while (!isWaiting) await turn()
  clock.advance(10_000)
  goOn.resolve()
  assert.equal(await server.answer('cluster', nonce), null)
  await server.answer('cluster', server.send(call, 'cluster', [cluster('b', '1')]))
  clock.advance(1_000)
  await turn()
  assert.deepEqual(applier.log, ['cluster +a -', 'cluster +a -', 'cluster +b -'])
})

test('a stream that ends is opened again after a back-off, with the versions held', async () => {
  const { server, clock, client, applier } = await setUp()
  applier.refuse = new Set(['bad'])
  await client.start()
  const first = await server.next('cluster')
  server.send(first.call, 'cluster', [cluster('a', '7'), cluster('bad', '1'), cluster('gone', '2')])
  await server.next('cluster')
  server.send(first.call, 'cluster', [], ['gone'])
  await server.next('cluster')
  assert.equal(client.isConnected, true)
  first.call.emit('error', { code: status.UNAVAILABLE, details: 'going away' })
  while (clock.pendingTimers < 2) await turn()
  assert.equal(client.isConnected, false)
  clock.advance(250)
  const second = await server.next('cluster')
  assert.deepEqual(second.request.initialResourceVersions, { a: '7' })
  assert.ok(second.request.node)
  assert.equal(server.calls, 2)
})

test('a cluster taken away goes a moment later, unless it comes back', async () => {
  const { server, clock, client, applier } = await setUp()
  await client.start()
  const { call } = await server.next('cluster')
  server.send(call, 'cluster', [cluster('a', '1'), cluster('b', '1')])
  await server.next('cluster')
  server.send(call, 'cluster', [], ['a', 'b'])
  await server.next('cluster')
  server.send(call, 'cluster', [cluster('b', '2')])
  await server.next('cluster')
  assert.deepEqual(applier.log, ['cluster +a,b -', 'cluster + -', 'cluster +b -'])
  clock.advance(1000)
  await turn()
  assert.deepEqual(applier.log.slice(3), ['cluster + -a'])
})

test('a cluster taken away waits for routes that are being applied: they may be those that let go of it', async () => {
  const { server, clock, client, applier } = await setUp()
  applier.names.route = ['r']
  await client.start()
  const { call } = await server.next('cluster')
  await server.answer('cluster', server.send(call, 'cluster', [cluster('a', '1'), cluster('b', '1')]))
  await server.answer('cluster', server.send(call, 'cluster', [], ['a', 'b']))
  const goOn = Promise.withResolvers<void>()
  const apply = applier.apply.bind(applier)
  let isWaiting = false
  applier.apply = async (type, resources, removed) => {
    if (type === 'route') {
      isWaiting = true
      await goOn.promise
    }
    return apply(type, resources, removed)
  }
  server.send(call, 'route', [routes('r', '2')])
  while (!isWaiting) await turn()
  clock.advance(1000)
  goOn.resolve()
  while (applier.log.length < 4) await turn()
  assert.deepEqual(applier.log.slice(2), ['route +r -', 'cluster + -a,b'])
})

test('a cluster taken away goes, too, when it comes back as one that is refused', async () => {
  const { server, clock, client, applier } = await setUp()
  await client.start()
  const { call } = await server.next('cluster')
  const tell = (resources: readonly Resource[], removed: readonly string[] = []): Promise<string | null> =>
    server.answer('cluster', server.send(call, 'cluster', resources, removed))
  await tell([cluster('a', '1')])
  await tell([], ['a'])
  applier.refuse = new Set(['a', 'b'])
  assert.match((await tell([cluster('a', '2'), cluster('b', '1')])) ?? '', /Cluster a .*first fault/)
  clock.advance(1000)
  await turn()
  assert.equal(applier.log.at(-1), 'cluster + -a')
})

test('endpoints by the name of a cluster on its way out do not keep it', async () => {
  const { server, clock, client, applier } = await setUp()
  applier.names.endpoint = ['a']
  await client.start()
  const { call } = await server.next('cluster')
  server.send(call, 'cluster', [cluster('a', '1')])
  await server.next('cluster')
  server.send(call, 'cluster', [], ['a'])
  await server.next('cluster')
  await server.next('endpoint')
  server.send(call, 'endpoint', [endpoints('a', '1')])
  await server.next('endpoint')
  applier.names.endpoint = []
  clock.advance(1000)
  assert.deepEqual((await server.next('endpoint')).request.resourceNamesUnsubscribe, ['a'])
  assert.deepEqual(applier.log.slice(-2), ['cluster + -a', 'endpoint + -a'])
})

test('routes and secrets that nothing names any more are taken away, as nobody else tells of their end', async () => {
  const { server, client, applier } = await setUp()
  applier.names.secret = ['ROOTCA', 'credential']
  await client.start()
  const { call } = await server.next('listener')
  applier.names.route = ['a', 'b']
  server.send(call, 'listener', [listener('l', '1')])
  await server.next('route')
  applier.names.route = ['b']
  applier.names.secret = ['ROOTCA']
  server.send(call, 'listener', [listener('l', '2')])
  assert.deepEqual((await server.next('route')).request.resourceNamesUnsubscribe, ['a'])
  assert.deepEqual(applier.log.slice(2), ['secret + -credential', 'route + -a'])
})

test('what is taken back while something names it stays, and goes when nothing names it any more', async () => {
  const { server, client, applier } = await setUp()
  await client.start()
  const { call } = await server.next('listener')
  await server.next('secret')
  Object.assign(applier.names, { endpoint: ['a'], route: ['a'], secret: ['ROOTCA', 'a'] })
  server.send(call, 'listener', [listener('l', '1')])
  for (const type of ['endpoint', 'secret', 'route'] as const) {
    await server.next(type)
    const nonce = server.send(call, type, [], ['a'])
    assert.equal((await server.next(type)).request.responseNonce, nonce)
    assert.equal(applier.log.at(-1), `${type} + -`)
  }
  Object.assign(applier.names, { endpoint: [], route: [], secret: ['ROOTCA'] })
  server.send(call, 'listener', [], ['l'])
  assert.deepEqual((await server.next('route')).request.resourceNamesUnsubscribe, ['a'])
  assert.deepEqual(applier.log.slice(-3), ['endpoint + -a', 'secret + -a', 'route + -a'])
})

test('what was let go of while there was no stream is taken away, too', async () => {
  const { server, clock, client, applier } = await setUp()
  await client.start()
  const { call } = await server.next('listener')
  applier.names.route = ['a']
  server.send(call, 'listener', [listener('l', '1')])
  await server.next('route')
  applier.names.route = []
  call.emit('error', { code: status.UNAVAILABLE, details: 'going away' })
  while (clock.pendingTimers === 0) await turn()
  clock.advance(250)
  while (server.calls < 2) await turn()
  assert.equal(applier.log.at(-1), 'route + -a')
})

test('what comes by a name that has been let go of meanwhile is nobody’s', async () => {
  const { server, client, applier } = await setUp()
  await client.start()
  const { call } = await server.next('cluster')
  applier.names.endpoint = ['a', 'b']
  server.send(call, 'cluster', [cluster('a', '1'), cluster('b', '1')])
  await server.next('endpoint')
  applier.names.endpoint = ['b']
  server.send(call, 'cluster', [cluster('b', '2')])
  assert.deepEqual((await server.next('endpoint')).request.resourceNamesUnsubscribe, ['a'])
  const nonce = server.send(call, 'endpoint', [endpoints('a', '1'), endpoints('b', '1')])
  const { request } = await server.next('endpoint')
  assert.deepEqual([request.responseNonce, request.errorDetail], [nonce, undefined])
  assert.equal(applier.log.at(-1), 'endpoint +b -')
})

test('a stream that ends while its response is applied: the next one begins with all that it brought', async () => {
  const { server, clock, client, applier } = await setUp()
  await client.start()
  const first = await server.next('cluster')
  const goOn = Promise.withResolvers<void>()
  const apply = applier.apply.bind(applier)
  let parts = 0
  applier.apply = async (type, resources, removed) => {
    if (++parts === 2) await goOn.promise
    return apply(type, resources, removed)
  }
  const clusters = Array.from({ length: 120 }, (_, i) => cluster(`c${i}`, '1'))
  server.send(first.call, 'cluster', clusters)
  while (parts < 2) await turn()
  first.call.emit('error', { code: status.UNAVAILABLE, details: 'going away' })
  while (client.isConnected) await turn()
  clock.advance(250)
  applier.names.endpoint = ['c0']
  goOn.resolve()
  const { call, request } = await server.next('cluster')
  assert.equal(Object.keys(request.initialResourceVersions).length, clusters.length)
  const endpoint = await server.next('endpoint')
  assert.deepEqual(endpoint.request.resourceNamesSubscribe, ['c0'])
  assert.equal(endpoint.call, call)
})

test('listeners are acknowledged once clients may connect; what more is wanted is said before, and no other type waits', async () => {
  const { server, client, applier, stats } = await setUp()
  const unbound = Promise.withResolvers<Problem[]>()
  applier.bound.listener = unbound.promise
  await client.start()
  const { call } = await server.next('listener')
  applier.names.route = ['http_proxy']
  const first = server.send(call, 'listener', [listener('l', '1')])
  assert.deepEqual((await server.next('route')).request.resourceNamesSubscribe, ['http_proxy'])
  await server.next('cluster')
  const second = server.send(call, 'cluster', [cluster('a', '1')])
  assert.equal((await server.next('cluster')).request.responseNonce, second)
  assert.equal(stats.value('listener_manager.lds.update_success'), 0)
  assert.equal(client.isInitialised, true)
  unbound.resolve([])
  const { request } = await server.next('listener')
  assert.deepEqual([request.responseNonce, request.errorDetail], [first, undefined])
  assert.equal(stats.value('listener_manager.lds.update_success'), 1)
})

test('answers of one type go out in the order of the responses, whichever is bound first', async () => {
  const { server, client, applier } = await setUp()
  const unbound = Promise.withResolvers<Problem[]>()
  applier.bound.listener = unbound.promise
  await client.start()
  const { call } = await server.next('listener')
  await server.next('cluster')
  const first = server.send(call, 'listener', [listener('l', '1')])
  server.send(call, 'cluster', [cluster('a', '1')])
  await server.next('cluster')
  delete applier.bound.listener
  const second = server.send(call, 'listener', [], ['l'])
  server.send(call, 'cluster', [cluster('a', '2')])
  await server.next('cluster')
  unbound.resolve([])
  const answers = [(await server.next('listener')).request, (await server.next('listener')).request]
  assert.deepEqual(
    answers.map(({ responseNonce }) => responseNonce),
    [first, second],
  )
})

test('a listener that cannot be bound is refused with the reason, and is held all the same', async () => {
  const { server, clock, client, applier } = await setUp()
  const message = "cannot bind '127.0.0.1:80': Address already in use"
  applier.bound.listener = Promise.resolve([
    { code: 'WEFT-4101', severity: 'error', object: 'Listener l', message } as const,
  ])
  await client.start()
  const first = await server.next('listener')
  server.send(first.call, 'listener', [listener('l', '1')])
  assert.match((await server.next('listener')).request.errorDetail?.message ?? '', new RegExp(`Listener l: ${message}`))
  first.call.emit('error', { code: status.UNAVAILABLE, details: 'going away' })
  while (clock.pendingTimers === 0) await turn()
  clock.advance(250)
  // It is bound when the port is free: to be told of it again would bring nothing.
  assert.deepEqual((await server.next('listener')).request.initialResourceVersions, { l: '1' })
})

test('a last good config that cannot be applied does not keep the proxy from starting', async () => {
  const folder = temporaryFolder()
  const before = await setUp(folder)
  await before.client.start()
  const { call } = await before.server.next('cluster')
  before.server.send(call, 'cluster', [cluster('a', '1')])
  await before.server.next('cluster')
  before.client.stop()
  const after = await setUp(folder)
  after.applier.apply = async () => {
    throw new Error('unforeseen')
  }
  await after.client.start()
  assert.deepEqual((await after.server.next('cluster')).request.initialResourceVersions, {})
})

test('the last good config is served without a control plane, and only what has changed is asked for after', async () => {
  const folder = temporaryFolder()
  const before = await setUp(folder)
  before.applier.refuse = new Set(['bad'])
  await before.client.start()
  const { call } = await before.server.next('cluster')
  before.server.send(call, 'cluster', [cluster('a', '1'), cluster('bad', '1')])
  await before.server.next('cluster')
  before.server.send(call, 'listener', [listener('l', '3')])
  await before.server.next('listener')
  await before.server.next('listener')
  before.client.stop()
  before.server.close()
  const after = await setUp(folder)
  await after.client.start()
  assert.deepEqual(after.applier.log, ['cluster +a -', 'listener +l -'])
  assert.equal(after.client.isInitialised, false)
  after.clock.advance(1000)
  assert.equal(after.client.isInitialised, true)
  assert.deepEqual((await after.server.next('cluster')).request.initialResourceVersions, { a: '1' })
  assert.deepEqual((await after.server.next('listener')).request.initialResourceVersions, { l: '3' })
})

test('an applier that throws makes a NACK, and the stream lives on', async () => {
  const { server, client, applier } = await setUp()
  await client.start()
  const { call } = await server.next('cluster')
  applier.apply = async () => {
    throw new Error('unforeseen')
  }
  server.send(call, 'cluster', [cluster('a', '1')])
  assert.match((await server.next('cluster')).request.errorDetail?.message ?? '', /internal error: unforeseen/)
})
