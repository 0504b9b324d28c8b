// Where a proxy is, as far as any rule of its mesh looks at it.
import type { LoadBalancerSettings } from '../../model/load-balancer.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { Workload } from '../../model/workload.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { objectsOf } from '../link/precedence.ts'
import type { PlaceKey } from './cluster-place.ts'
import { localityKey, placeOf } from './locality-spread.ts'

export function clientPlace(mesh: LinkedMesh, node: ProxyNode): PlaceKey {
  const { labels, zones } = questionsOfPlace(mesh)
  const place = placeOf(node, zones ? peersOf(mesh, node) : new Map())
  const answers = labels.map(name => place.labels[name] ?? '')
  return { ...place, key: JSON.stringify([localityKey(place.locality), answers, [...place.peers].sort()]) }
}

/** Labels that failoverPriority asks of clients, wherever it is set, and whether zones are looked at anywhere. */
function questionsOfPlace(mesh: LinkedMesh): { readonly labels: readonly string[]; readonly zones: boolean } {
  return mesh.memo.get('questions-of-place', () => {
    const { localityLoadBalancing, zoneAwareLoadBalancing } = mesh.input.meshConfig
    const balancers = loadBalancers(mesh)
    const zoned = [zoneAwareLoadBalancing, ...balancers.map(({ zoneAware }) => zoneAware)]
    const settings = [localityLoadBalancing, ...balancers.map(({ locality }) => locality), ...zoned]
    const names = settings.flatMap(setting => setting?.failoverPriority ?? []).filter(label => !label.includes('='))
    return { labels: [...new Set(names)].sort(), zones: zoned.some(setting => setting && setting.enabled !== false) }
  })
}

function loadBalancers(mesh: LinkedMesh): readonly LoadBalancerSettings[] {
  const rules = objectsOf(mesh.input.objects, 'DestinationRule').map(({ spec }) => spec)
  const policies = rules.flatMap(({ trafficPolicy, subsets }) => [
    trafficPolicy,
    ...subsets.map(subset => subset.trafficPolicy),
  ])
  const blocks = policies.flatMap(policy => (policy ? [policy, ...policy.portLevelSettings] : []))
  return blocks.flatMap(({ loadBalancer }) => loadBalancer ?? [])
}

/** Copies of the client: of its namespace and its canonical name. */
function peersOf(mesh: LinkedMesh, { workload }: ProxyNode): ReadonlyMap<string, number> {
  const peers = new Map<string, number>()
  if (!workload) return peers
  const name = canonicalName(workload)
  for (const other of mesh.input.workloads) {
    if (!other.healthy || other.namespace !== workload.namespace || canonicalName(other) !== name) continue
    const key = localityKey(other.locality)
    peers.set(key, (peers.get(key) ?? 0) + 1)
  }
  return peers
}

function canonicalName({ labels, service, name }: Workload): string {
  return labels['service.istio.io/canonical-name'] ?? labels['app'] ?? (service || name)
}
