import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { FakeClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from '../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { type ResourceType, resourceTypeOf, SEND_ORDER } from '../../xds/type-url.ts'
import { versionOfSet } from '../snapshot/resource-encoder.ts'
import type { EncodedResource, ProxySnapshot, ResourceSet } from '../snapshot/resource-set.ts'
import { ProxyStatus } from '../status/proxy-status.ts'
import { type Protocol, ResponseCache } from './discovery-response.ts'
import { ProxyStream } from './proxy-stream.ts'

type Contents = Partial<Record<ResourceType, Readonly<Record<string, string>>>>

/** Resources are told by name and version only. */
function snapshot(revision: number, contents: Contents): ProxySnapshot {
  const sets = Object.fromEntries(
    SEND_ORDER.map(type => {
      const resources = new Map<string, EncodedResource>()
      for (const [name, version] of Object.entries(contents[type] ?? {})) {
        const endpoints = type === 'cluster' ? name : ''
        resources.set(name, { name, version, any: new Uint8Array([10, 1, 97]), endpoints })
      }
      return [type, { type, version: versionOfSet(resources.values()), resources } satisfies ResourceSet]
    }),
  ) as unknown as ProxySnapshot['sets']
  return { generation: revision, revision, sets }
}

interface Sent {
  readonly type: ResourceType
  readonly names: readonly string[]
  readonly removed: readonly string[]
  readonly nonce: string
}

class Client {
  readonly sent: Sent[] = []
  readonly clock = new FakeClock()
  readonly status: ProxyStatus
  readonly stream: ProxyStream
  writable = true

  constructor(protocol: Protocol, first: ProxySnapshot) {
    const identity = { id: 'x', name: 'x', namespace: 'default', kind: 'sidecar', version: '', connectedAt: 0 } as const
    this.status = new ProxyStatus(identity, () => {})
    const parts = { protocol, clock: this.clock, log: silentLog, cache: new ResponseCache(), status: this.status }
    const write = (bytes: Buffer): boolean => {
      this.sent.push(protocol === 'sotw' ? readSotw(bytes) : readDelta(bytes))
      return this.writable
    }
    this.stream = new ProxyStream({ ...parts, write, onPush: () => {}, onReject: () => {} }, first)
  }

  subscribe(type: ResourceType, ...names: string[]): void {
    this.stream.subscription(type).subscription.replaceNames(names)
    this.stream.pump()
  }

  begin(type: ResourceType, names: string[], initial: Record<string, string> = {}): void {
    this.stream.subscription(type).subscription.begin(names, initial)
    this.stream.pump()
  }

  answer(type: ResourceType, error: string | null = null): void {
    const last = this.sent.findLast(one => one.type === type)
    this.stream.answer(type, { nonce: last?.nonce ?? '', error })
    this.stream.pump()
  }

  /** What was sent since the last call. */
  take(): string[] {
    return this.sent.splice(0).map(one => {
      const removed = one.removed.length > 0 ? ` -${one.removed.join(',')}` : ''
      return `${one.type} ${one.names.join(',')}${removed}`.trim()
    })
  }
}

// Resources here have no real Any: names are read back from the order in which the set gives them.
function readSotw(bytes: Buffer): Sent {
  const response = fromBinary(DiscoveryResponseSchema, bytes)
  return {
    type: resourceTypeOf(response.typeUrl)!,
    names: response.resources.map(() => '*'),
    removed: [],
    nonce: response.nonce,
  }
}

function readDelta(bytes: Buffer): Sent {
  const response = fromBinary(DeltaDiscoveryResponseSchema, bytes)
  const { nonce, removedResources: removed } = response
  return { type: resourceTypeOf(response.typeUrl)!, names: response.resources.map(one => one.name), removed, nonce }
}

const BASE: Contents = { cluster: { a: '1' }, endpoint: { a: '1' }, listener: { l: '1' }, route: { r: '1' } }

/** A delta client that holds all of BASE. */
function settled(): Client {
  const client = new Client('delta', snapshot(1, BASE))
  client.begin('cluster', [])
  client.begin('endpoint', ['a'])
  client.answer('cluster')
  client.answer('endpoint')
  client.begin('listener', [])
  client.begin('route', ['r'])
  client.answer('listener')
  client.answer('route')
  assert.deepEqual(client.take(), ['cluster a', 'endpoint a', 'listener l', 'route r'])
  return client
}

test('types are sent in the order in which one refers to the other', () => {
  assert.deepEqual(SEND_ORDER, ['cluster', 'endpoint', 'secret', 'listener', 'route'])
})

test('a settled proxy is told only what changed, and is settled again once it has answered', () => {
  const client = settled()
  assert.equal(client.status.settledRevision, 1)
  client.stream.update(snapshot(2, { ...BASE, endpoint: { a: '2' } }))
  assert.deepEqual(client.take(), ['endpoint a'])
  assert.equal(client.status.type('endpoint').state, 'STALE')
  assert.equal(client.status.settledRevision, 1)
  client.stream.answer('endpoint', { nonce: client.status.type('endpoint').nonce, error: null })
  client.stream.pump()
  assert.equal(client.status.settledRevision, 2)
  assert.deepEqual(client.status.affectedBy(2), ['endpoint'])
})

test('routes to a new cluster wait until the cluster and its endpoints are there', () => {
  const client = settled()
  client.stream.update(
    snapshot(2, { ...BASE, cluster: { a: '1', b: '1' }, endpoint: { a: '1', b: '1' }, route: { r: '2' } }),
  )
  assert.deepEqual(
    client.sent.map(one => one.type),
    ['cluster'],
  )
  client.answer('cluster')
  assert.deepEqual(client.take(), ['cluster b'])
  client.stream.subscription('endpoint').subscription.adjust(['b'], [])
  client.stream.pump()
  assert.deepEqual(
    client.sent.map(one => one.type),
    ['endpoint'],
  )
  client.answer('endpoint')
  assert.deepEqual(client.take(), ['endpoint b', 'route r'])
})

test('a client that never answers for clusters does not keep its routes for ever', () => {
  const client = settled()
  client.stream.update(snapshot(2, { ...BASE, cluster: { a: '2' }, route: { r: '2' } }))
  assert.deepEqual(client.take(), ['cluster a', 'endpoint a'])
  client.clock.advance(4999)
  assert.deepEqual(client.take(), [])
  client.clock.advance(1)
  assert.deepEqual(client.take(), ['route r'])
})

test('a cluster goes only after the routes that used it', () => {
  const client = settled()
  client.stream.update(
    snapshot(2, { cluster: { b: '1' }, endpoint: { b: '1' }, listener: { l: '1' }, route: { r: '2' } }),
  )
  assert.deepEqual(
    client.sent.map(one => `${one.names}${one.removed}`),
    ['b'],
  )
  client.answer('cluster')
  client.stream.subscription('endpoint').subscription.adjust(['b'], [])
  client.stream.pump()
  client.answer('endpoint')
  assert.deepEqual(client.take(), ['cluster b', 'endpoint b', 'route r'])
  client.stream.answer('route', { nonce: client.status.type('route').nonce, error: null })
  client.stream.pump()
  assert.deepEqual(client.take(), ['cluster  -a', 'endpoint  -a'])
})

test('a proxy that refuses its routes keeps the clusters that the old ones use', () => {
  const client = settled()
  client.stream.update(snapshot(2, { ...BASE, cluster: {}, endpoint: {}, route: { r: '2' } }))
  assert.deepEqual(client.take(), ['route r'])
  client.stream.answer('route', { nonce: client.status.type('route').nonce, error: 'no' })
  client.stream.pump()
  assert.deepEqual(client.take(), [])
  assert.equal(client.status.type('route').state, 'ERROR')
  assert.equal(client.status.type('route').error, 'no')
})

test('one response of a type is in flight; changes meanwhile become one', () => {
  const client = settled()
  client.stream.update(snapshot(2, { ...BASE, endpoint: { a: '2' } }))
  client.stream.update(snapshot(3, { ...BASE, endpoint: { a: '3' } }))
  client.stream.update(snapshot(4, { ...BASE, endpoint: { a: '4' } }))
  assert.equal(client.sent.length, 1)
  client.answer('endpoint')
  assert.equal(client.sent.length, 2)
  client.answer('endpoint')
  assert.equal(client.sent.length, 2)
  assert.equal(client.status.settledRevision, 4)
})

test('an answer to anything but the last response is not believed', () => {
  const client = settled()
  client.stream.update(snapshot(2, { ...BASE, endpoint: { a: '2' } }))
  client.stream.answer('endpoint', { nonce: 'stale', error: 'no' })
  assert.equal(client.status.type('endpoint').state, 'STALE')
})

test('what was refused is not sent again until something changes, and then along with it', () => {
  const client = settled()
  client.stream.update(snapshot(2, { ...BASE, listener: { l: '2', m: '1' } }))
  client.answer('listener', 'm is bad')
  assert.deepEqual(client.take(), ['listener l,m'])
  client.stream.update(snapshot(3, { ...BASE, listener: { l: '2', m: '2' } }))
  assert.deepEqual(client.take(), ['listener m,l'])
})

test('a replaced cluster is followed by its endpoints, for which it warms', () => {
  const client = settled()
  client.stream.update(snapshot(2, { ...BASE, cluster: { a: '2' } }))
  assert.deepEqual(client.take(), ['cluster a', 'endpoint a'])
})

test('delta: a client that comes back is told only what it lacks, and what is gone', () => {
  const client = new Client('delta', snapshot(5, { cluster: { a: '1', b: '2' } }))
  client.begin('cluster', ['*'], { a: '1', b: '1', c: '1' })
  assert.deepEqual(client.take(), ['cluster b -c'])
})

test('delta: a client that comes back and lacks nothing is sent nothing of a type, and counts as synced', () => {
  const client = new Client('delta', snapshot(5, BASE))
  client.begin('cluster', ['*'], { a: '1' })
  client.begin('endpoint', ['a'], { a: '1' })
  assert.equal(client.status.type('endpoint').state, 'NOT SENT')
  client.answer('cluster')
  assert.deepEqual(client.take(), ['cluster'])
  assert.equal(client.status.type('endpoint').state, 'SYNCED')
  assert.equal(client.status.type('route').state, 'NOT SENT', 'never asked for')
})

test('delta: a name that does not exist is said to be gone; asked for again it is sent again', () => {
  const client = new Client('delta', snapshot(1, { route: { r: '1' } }))
  client.begin('route', ['r', 'none'])
  client.answer('route')
  assert.deepEqual(client.take(), ['route r -none'])
  client.stream.subscription('route').subscription.adjust(['r'], [])
  client.stream.pump()
  assert.deepEqual(client.take(), ['route r'])
})

test('state of the world: an empty first request is a wildcard, and is answered even with nothing', () => {
  const client = new Client('sotw', snapshot(1, { cluster: { a: '1', b: '1' } }))
  client.subscribe('cluster')
  client.subscribe('listener')
  client.answer('cluster')
  assert.deepEqual(client.take(), ['cluster *,*', 'listener'])
  client.answer('listener')
  client.stream.update(snapshot(2, { cluster: { a: '1', b: '2' } }))
  assert.deepEqual(client.take(), ['cluster *,*'])
})

test('state of the world: only changed endpoints are sent, and only those asked for', () => {
  const client = new Client('sotw', snapshot(1, { endpoint: { a: '1', b: '1', c: '1' } }))
  client.subscribe('endpoint', 'a', 'b')
  client.answer('endpoint')
  assert.deepEqual(client.take(), ['endpoint *,*'])
  client.stream.update(snapshot(2, { endpoint: { a: '2', b: '1', c: '2' } }))
  assert.deepEqual(client.take(), ['endpoint *'])
})

test('a connection that takes no more is left alone until it drains', () => {
  const client = new Client('delta', snapshot(1, BASE))
  client.writable = false
  client.begin('cluster', [])
  client.begin('endpoint', ['a'])
  assert.deepEqual(client.take(), ['cluster a'])
  client.stream.drained()
  assert.deepEqual(client.take(), ['endpoint a'])
})

test('equal responses are the same bytes, unless a stream saw that nonce last', () => {
  const cache = new ResponseCache()
  const content = {
    type: 'endpoint',
    resources: [{ name: 'a', version: '1', any: new Uint8Array(), endpoints: '' }],
    removed: [],
  } as const
  const first = cache.encode('delta', content, '')
  assert.equal(cache.encode('delta', content, 'other').bytes, first.bytes)
  assert.notEqual(cache.encode('delta', content, first.nonce).nonce, first.nonce)
})
