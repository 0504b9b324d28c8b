// Where a proxy is, as far as any rule of its mesh looks at it.
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { objectsOf } from '../link/precedence.ts'
import type { PlaceKey } from './cluster-place.ts'
import { placeOf } from './locality-spread.ts'

export function clientPlace(mesh: LinkedMesh, node: ProxyNode): PlaceKey {
  const place = placeOf(node)
  const { region, zone, subZone } = place.locality
  const labels = priorityLabels(mesh).map(name => place.labels[name] ?? '')
  return { ...place, key: JSON.stringify([region, zone, subZone, ...labels]) }
}

/** Labels that failoverPriority asks of clients, wherever it is set. */
function priorityLabels(mesh: LinkedMesh): readonly string[] {
  return mesh.memo.get('failover-priority-labels', () => {
    const rules = objectsOf(mesh.input.objects, 'DestinationRule').map(({ spec }) => spec)
    const policies = rules.flatMap(({ trafficPolicy, subsets }) => [
      trafficPolicy,
      ...subsets.map(subset => subset.trafficPolicy),
    ])
    const blocks = policies.flatMap(policy => (policy ? [policy, ...policy.portLevelSettings] : []))
    const settings = [
      mesh.input.meshConfig.localityLoadBalancing,
      ...blocks.map(({ loadBalancer }) => loadBalancer?.locality),
    ]
    const names = settings.flatMap(setting => setting?.failoverPriority ?? []).filter(label => !label.includes('='))
    return [...new Set(names)].sort()
  })
}
