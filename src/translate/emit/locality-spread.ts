// Istio's locality load balancing: by where the client is, the endpoints of a cluster get priorities or shares.
import type { LocalityLoadBalancing, ZoneAwareLoadBalancing } from '../../model/load-balancer.ts'
import type { Locality } from '../../model/locality.ts'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { TrafficPolicyBlocks } from '../../model/traffic-policy.ts'
import type { Labels } from '../link/label-selector.ts'
import type { MeshEndpoint } from '../link/mesh-service.ts'
import { zoneShares } from './zone-shares.ts'

/** Endpoints of one locality; where labels make priorities, of one priority in it. */
export interface EndpointGroup {
  readonly endpoints: readonly MeshEndpoint[]
  readonly weight: number
  readonly priority: number
}

/** What a rule, or the mesh, says of localities. */
export type SpreadRule =
  | { readonly kind: 'localities'; readonly setting: LocalityLoadBalancing }
  | { readonly kind: 'zones'; readonly setting: ZoneAwareLoadBalancing }

export interface LocalitySpread {
  readonly rule: SpreadRule
  /** Endpoints can be found unwell, without which no client would ever turn to a later priority. */
  readonly failsOver: boolean
  readonly client: ClientPlace
}

export interface ClientPlace {
  readonly locality: Locality
  readonly labels: Labels
  /** How many healthy copies of the client there are, itself included, by `localityKey`. */
  readonly peers: ReadonlyMap<string, number>
}

type WeightOf = (endpoint: MeshEndpoint) => number

/** The rule's own setting stands in place of the mesh's, and switches on what the mesh has off. Null: there is none. */
export function spreadRule(mesh: MeshConfig, { loadBalancer }: TrafficPolicyBlocks): SpreadRule | null {
  const { locality, zoneAware } = loadBalancer ?? {}
  if (locality) return localities(locality)
  const zones = zoneAware ?? mesh.zoneAwareLoadBalancing
  if (zones && zones.enabled !== false) return { kind: 'zones', setting: zones }
  return localities(mesh.localityLoadBalancing)
}

function localities(setting: LocalityLoadBalancing): SpreadRule | null {
  return setting.enabled === false ? null : { kind: 'localities', setting }
}

/** Whether it matters where a client is. */
export function dependsOnPlace(rule: SpreadRule | null, failsOver: boolean): boolean {
  return rule !== null && (rule.kind === 'zones' || rule.setting.distribute.length > 0 || failsOver)
}

/** Whether localities get shares of their own of a cluster's load: else endpoints share it, wherever they are. */
export function weighsLocalities(rule: SpreadRule | null, failsOver: boolean, hashes: boolean): boolean {
  if (rule === null) return false
  // Envoy's rings know of no zones: a key keeps to its endpoint, wherever in the region that is.
  if (rule.kind === 'zones') return !hashes
  const { distribute, failover, failoverPriority } = rule.setting
  return distribute.length > 0 || (failsOver && (failover.length > 0 || failoverPriority.length > 0))
}

/** What `failoverPriority` may ask for: an endpoint's, or a client's, labels and place. */
export function placeOf({ locality, labels }: ProxyNode, peers: ReadonlyMap<string, number>): ClientPlace {
  return { locality, labels: withTopology(labels, locality), peers }
}

export function localityKey({ region, zone, subZone }: Locality): string {
  return `${region}/${zone}/${subZone}`
}

export function spreadOver(
  groups: readonly EndpointGroup[],
  { rule, failsOver, client }: LocalitySpread,
  weightOf: WeightOf,
): readonly EndpointGroup[] {
  if (rule.kind === 'zones') return spreadOverZones(groups, rule.setting, client, weightOf)
  const { setting } = rule
  if (setting.distribute.length > 0) return distribute(groups, setting, client.locality)
  if (!failsOver) return groups
  const { failover, failoverPriority } = setting
  if (failoverPriority.length === 0) return compacted(byDistance(groups, failover, client.locality))
  const labelled = compacted(byLabels(groups, failoverPriority, client.labels, weightOf))
  // Regions to fail over to tell those apart that labels leave alike.
  return failover.length === 0 ? labelled : compacted(byDistance(labelled, failover, client.locality))
}

export function totalOf(endpoints: readonly MeshEndpoint[], weightOf: WeightOf): number {
  return endpoints.reduce((sum, endpoint) => sum + weightOf(endpoint), 0)
}

/**
 * The first entry for the client's locality: each locality it names gets its share, divided by weight where the name covers
 * several; what it does not name gets nothing. Without such an entry weights stay as they are.
 */
function distribute(
  groups: readonly EndpointGroup[],
  setting: LocalityLoadBalancing,
  from: Locality,
): readonly EndpointGroup[] {
  const entry = setting.distribute.find(candidate => matches(from, candidate.from))
  if (!entry) return groups
  return entry.to.flatMap(({ locality, percent }) => {
    const covered = groups.filter(({ endpoints }) => matches(endpoints[0]!.locality, locality))
    const total = covered.reduce((sum, { weight }) => sum + weight, 0)
    return covered.map(group => ({ ...group, weight: Math.ceil((group.weight * percent) / total) }))
  })
}

/** `*`, or nothing at all, stands for any. */
function matches({ region, zone, subZone }: Locality, pattern: string): boolean {
  const [wantedRegion, wantedZone = '*', wantedSubZone = '*'] = pattern.split('/')
  return (
    (wantedRegion === '*' || wantedRegion === region) &&
    (wantedZone === '*' || wantedZone === '' || wantedZone === zone) &&
    (wantedSubZone === '*' || wantedSubZone === '' || wantedSubZone === subZone)
  )
}

/**
 * The client's region is the first priority, the region to fail over to the next, then the others; labels come before that.
 * In the first priority each zone has its share, where there are enough of them (`zoneShares`).
 */
function spreadOverZones(
  groups: readonly EndpointGroup[],
  { failover, failoverPriority, minClusterSize }: ZoneAwareLoadBalancing,
  client: ClientPlace,
  weightOf: WeightOf,
): readonly EndpointGroup[] {
  const labelled =
    failoverPriority.length === 0 ? groups : compacted(byLabels(groups, failoverPriority, client.labels, weightOf))
  const tiers = compacted(byDistance(labelled, failover, client.locality, REGION_ONLY))
  const first = tiers.filter(({ priority }) => priority === 0)
  const shares = zoneShares(
    first.map(({ endpoints }) => ({
      key: localityKey(endpoints[0]!.locality),
      healthy: endpoints.filter(({ healthy }) => healthy).length,
    })),
    { own: localityKey(client.locality), peers: client.peers, minClusterSize },
  )
  if (shares === null) return tiers
  return tiers.map(group => {
    const at = first.indexOf(group)
    return at < 0 ? group : { ...group, weight: shares[at]! }
  })
}

const DISTANCES = 5
const REGION_ONLY = true

/** The same sub-zone, zone, region; another region; one that the client's is not to fail over to. */
function byDistance(
  groups: readonly EndpointGroup[],
  failover: LocalityLoadBalancing['failover'],
  client: Locality,
  regionOnly = false,
): readonly EndpointGroup[] {
  const target = failover.find(({ from }) => from === client.region)?.to
  return groups.map(group => {
    const { region, zone, subZone } = group.endpoints[0]!.locality
    let distance = 0
    if (region !== client.region) distance = target === undefined || region === target ? 3 : 4
    else if (!regionOnly && zone !== client.zone) distance = 2
    else if (!regionOnly && subZone !== client.subZone) distance = 1
    return { ...group, priority: group.priority * DISTANCES + distance }
  })
}

/** As many labels in a row as an endpoint has like its client; a locality falls apart where its endpoints differ in that. */
function byLabels(
  groups: readonly EndpointGroup[],
  labels: readonly string[],
  client: Labels,
  weightOf: WeightOf,
): readonly EndpointGroup[] {
  const wanted = labels.map(label => {
    const [name = '', value] = label.split('=')
    return { name, value: value ?? client[name] ?? '' }
  })
  return groups.flatMap(group => {
    const byPriority = new Map<number, MeshEndpoint[]>()
    for (const endpoint of group.endpoints) {
      const own = withTopology(endpoint.labels, endpoint.locality)
      const first = wanted.findIndex(({ name, value }) => (own[name] ?? '') !== value)
      const priority = first < 0 ? 0 : labels.length - first
      const list = byPriority.get(priority)
      if (list) list.push(endpoint)
      else byPriority.set(priority, [endpoint])
    }
    return [...byPriority]
      .sort(([a], [b]) => a - b)
      .map(([priority, endpoints]) => ({ endpoints, priority, weight: totalOf(endpoints, weightOf) }))
  })
}

/** Priorities count up from 0 without a gap. */
function compacted(groups: readonly EndpointGroup[]): readonly EndpointGroup[] {
  const ranks = [...new Set(groups.map(({ priority }) => priority))].sort((a, b) => a - b)
  return groups.map(group => ({ ...group, priority: ranks.indexOf(group.priority) }))
}

function withTopology(labels: Labels, { region, zone, subZone }: Locality): Labels {
  return {
    ...labels,
    ...(region === '' ? {} : { 'topology.kubernetes.io/region': region }),
    ...(zone === '' ? {} : { 'topology.kubernetes.io/zone': zone }),
    ...(subZone === '' ? {} : { 'topology.istio.io/subzone': subZone }),
  }
}
