import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LocalityLoadBalancing, ZoneAwareLoadBalancing } from '../../model/load-balancer.ts'
import { DEFAULT_MESH_CONFIG } from '../../model/mesh-config.ts'
import type { MeshEndpoint } from '../link/mesh-service.ts'
import { loadAssignment } from './load-assignment.ts'
import { dependsOnPlace, placeOf, type SpreadRule, spreadRule, weighsLocalities } from './locality-spread.ts'

function localityOf(text: string) {
  const [region = '', zone = '', subZone = ''] = text.split('/')
  return { region, zone, subZone }
}

let port = 0
function endpoint(locality: string, { weight = 1, labels = {} as Record<string, string> } = {}): MeshEndpoint {
  const rest = { mutualTls: false, healthy: true, workload: '' }
  return { address: '10.0.0.1', port: ++port, labels, locality: localityOf(locality), weight, ...rest }
}

interface Client {
  readonly at?: string
  readonly labels?: Record<string, string>
  readonly peers?: Record<string, number>
  readonly failsOver?: boolean
}

/** `locality priority weight endpoints`, in the order of the assignment. */
function spread(endpoints: readonly MeshEndpoint[], rule: SpreadRule, client: Client = {}): string[] {
  const { at = '', labels = {}, peers = {}, failsOver = true } = client
  const node = {
    id: '',
    kind: 'sidecar',
    name: '',
    namespace: '',
    labels,
    locality: localityOf(at),
    workload: null,
  } as const
  const place = placeOf(node, new Map(Object.entries(peers)))
  const assignment = loadAssignment('c', endpoints, { rule, failsOver, client: place })
  return assignment.endpoints.map(({ locality, priority, loadBalancingWeight = 0, lbEndpoints }) => {
    const { region, zone, subZone } = locality!
    const name = [region, zone, subZone].filter(part => part !== '').join('/')
    return `${name} P${priority} w${loadBalancingWeight} n${lbEndpoints.length}`
  })
}

const NOTHING: LocalityLoadBalancing = { distribute: [], failover: [], failoverPriority: [] }
const localities = (setting: Partial<LocalityLoadBalancing> = {}): SpreadRule => ({
  kind: 'localities',
  setting: { ...NOTHING, ...setting },
})
const zones = (setting: Partial<ZoneAwareLoadBalancing> = {}): SpreadRule => ({
  kind: 'zones',
  setting: { failover: [], failoverPriority: [], minClusterSize: 1, ...setting },
})
const EVERYWHERE = ['r1/z1/s1', 'r1/z1/s2', 'r1/z2', 'r2/z1', 'r3/z1']

test('by distance: sub-zone, zone, region, the rest; without a gap', () => {
  const endpoints = EVERYWHERE.map(at => endpoint(at))
  const priorities = (at: string) => spread(endpoints, localities(), { at }).map(line => line.split(' ')[1])
  assert.deepEqual(priorities('r1/z1/s1'), ['P0', 'P1', 'P2', 'P3', 'P3'])
  assert.deepEqual(priorities('r2/z9'), ['P1', 'P1', 'P1', 'P0', 'P1'])
  assert.deepEqual(priorities('r9'), ['P0', 'P0', 'P0', 'P0', 'P0'])
})

test('failover: the region named comes before the others', () => {
  const endpoints = EVERYWHERE.map(at => endpoint(at))
  const rule = localities({ failover: [{ from: 'r1', to: 'r3' }] })
  const priorities = (at: string) => spread(endpoints, rule, { at }).map(line => line.split(' ')[1])
  assert.deepEqual(priorities('r1/z2'), ['P1', 'P1', 'P0', 'P3', 'P2'])
  assert.deepEqual(priorities('r2/z1'), ['P1', 'P1', 'P1', 'P0', 'P1'])
})

test('nobody fails over who cannot tell the sick from the well', () => {
  const endpoints = [endpoint('r1/z1'), endpoint('r2/z1')]
  const lines = spread(endpoints, localities({ failover: [{ from: 'r1', to: 'r2' }] }), {
    at: 'r1/z1',
    failsOver: false,
  })
  assert.deepEqual(lines, ['r1/z1 P0 w1 n1', 'r2/z1 P0 w1 n1'])
})

test('failoverPriority: labels in order, a value of its own, places as labels; a locality may fall apart', () => {
  const endpoints = [
    endpoint('r1/z1', { labels: { rack: 'a', tier: 'gold' }, weight: 3 }),
    endpoint('r1/z1', { labels: { rack: 'a', tier: 'iron' } }),
    endpoint('r1/z1', { labels: { rack: 'b', tier: 'gold' } }),
    endpoint('r2/z1', { labels: { rack: 'a', tier: 'gold' } }),
  ]
  const client = { at: 'r1/z1', labels: { rack: 'a', tier: 'tin' } }
  assert.deepEqual(spread(endpoints, localities({ failoverPriority: ['rack', 'tier=gold'] }), client), [
    'r1/z1 P0 w3 n1',
    'r1/z1 P1 w1 n1',
    'r1/z1 P2 w1 n1',
    'r2/z1 P0 w1 n1',
  ])
  assert.deepEqual(spread(endpoints, localities({ failoverPriority: ['topology.kubernetes.io/region'] }), client), [
    'r1/z1 P0 w5 n3',
    'r2/z1 P1 w1 n1',
  ])
  const both = localities({ failoverPriority: ['rack'], failover: [{ from: 'r1', to: 'r2' }] })
  assert.deepEqual(spread(endpoints, both, client), ['r1/z1 P0 w4 n2', 'r1/z1 P2 w1 n1', 'r2/z1 P1 w1 n1'])
})

test('distribute: the first entry for the client; shares by weight where one covers several; nothing for the rest', () => {
  const endpoints = [endpoint('r1/z1'), endpoint('r1/z2', { weight: 3 }), endpoint('r2/z1'), endpoint('r3/z1')]
  const rule = localities({
    distribute: [
      {
        from: 'r1/z1/*',
        to: [
          { locality: 'r1/*', percent: 80 },
          { locality: 'r2', percent: 20 },
        ],
      },
      { from: 'r1/*', to: [{ locality: 'r9', percent: 100 }] },
    ],
  })
  assert.deepEqual(spread(endpoints, rule, { at: 'r1/z1/s5', failsOver: false }), [
    'r1/z1 P0 w20 n1',
    'r1/z2 P0 w60 n1',
    'r2/z1 P0 w20 n1',
  ])
  assert.deepEqual(spread(endpoints, rule, { at: 'r1/z2' }), [])
  assert.equal(spread(endpoints, rule, { at: 'r2/z1' }).length, 4)
})

test('zones: the client’s region first, whether or not endpoints are watched, and its own zone’s share in it', () => {
  const endpoints = [endpoint('r1/z1'), endpoint('r1/z2'), endpoint('r1/z2'), endpoint('r1/z2'), endpoint('r2/z1')]
  const client = { at: 'r1/z1', peers: { 'r1/z1/': 1, 'r1/z2/': 1 }, failsOver: false }
  assert.deepEqual(spread(endpoints, zones(), client), ['r1/z1 P0 w5000 n1', 'r1/z2 P0 w5000 n3', 'r2/z1 P1 w1 n1'])
  assert.deepEqual(spread(endpoints, zones(), { ...client, at: 'r1/z2' }), [
    'r1/z1 P0 w0 n1',
    'r1/z2 P0 w10000 n3',
    'r2/z1 P1 w1 n1',
  ])
  // Too few: in proportion to endpoints, as if there were no zones.
  assert.deepEqual(spread(endpoints, zones({ minClusterSize: 6 }), client), [
    'r1/z1 P0 w1 n1',
    'r1/z2 P0 w3 n3',
    'r2/z1 P1 w1 n1',
  ])
})

test('zones: failover and failoverPriority order what comes after', () => {
  const endpoints = [
    endpoint('r1/z1', { labels: { tier: 'iron' } }),
    endpoint('r2/z1', { labels: { tier: 'gold' } }),
    endpoint('r3/z1', { labels: { tier: 'gold' } }),
  ]
  const failover = [{ from: 'r1', to: 'r3' }]
  const priorities = (setting: Partial<ZoneAwareLoadBalancing>) =>
    spread(endpoints, zones(setting), { at: 'r1/z1' }).map(line => line.split(' ')[1])
  assert.deepEqual(priorities({ failover }), ['P0', 'P2', 'P1'])
  assert.deepEqual(priorities({ failoverPriority: ['tier=gold'] }), ['P1', 'P0', 'P0'])
  assert.deepEqual(priorities({ failoverPriority: ['tier=gold'], failover }), ['P2', 'P1', 'P0'])
})

test('a rule’s setting replaces the mesh’s; what is switched off is as if it were not there', () => {
  const mesh = {
    ...DEFAULT_MESH_CONFIG,
    zoneAwareLoadBalancing: { failover: [], failoverPriority: [], minClusterSize: 2 },
  }
  const own = (settings: object) => spreadRule(mesh, { loadBalancer: { simple: 'RANDOM', ...settings } })
  assert.equal(spreadRule(mesh, {})?.kind, 'zones')
  assert.equal(own({ locality: NOTHING })?.kind, 'localities')
  assert.equal(own({ locality: { ...NOTHING, enabled: false } }), null)
  assert.equal(own({ zoneAware: { ...mesh.zoneAwareLoadBalancing, enabled: false } })?.kind, 'localities')
  const off = { ...DEFAULT_MESH_CONFIG, localityLoadBalancing: { ...NOTHING, enabled: false } }
  assert.equal(spreadRule(off, {}), null)
  assert.equal(spreadRule(off, { loadBalancer: { simple: 'RANDOM', locality: NOTHING } })?.kind, 'localities')
})

test('shares of localities are asked for only where a rule speaks of localities', () => {
  assert.equal(weighsLocalities(localities(), true, false), false)
  assert.equal(dependsOnPlace(localities(), true), true)
  assert.equal(dependsOnPlace(localities(), false), false)
  const failover = localities({ failover: [{ from: 'a', to: 'b' }] })
  assert.deepEqual([weighsLocalities(failover, true, true), weighsLocalities(failover, false, true)], [true, false])
  assert.equal(dependsOnPlace(zones(), false), true)
  assert.deepEqual([weighsLocalities(zones(), false, false), weighsLocalities(zones(), false, true)], [true, false])
})
