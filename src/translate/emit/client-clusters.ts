// All that a client may send to: the same lists for every proxy of a scope.
import type { XdsResource } from '../../model/proxy-resources.ts'
import type { ClientScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { serviceClusters } from './outbound-clusters.ts'

export interface ClientClusters {
  readonly clusters: readonly XdsResource[]
  readonly endpoints: readonly XdsResource[]
}

export function clientClusters(mesh: LinkedMesh, scope: ClientScope): ClientClusters {
  return mesh.memo.get(`client-clusters|${scope.key}`, () => {
    const clusters: XdsResource[] = []
    const endpoints: XdsResource[] = []
    for (const service of scope.services.values()) {
      const rule = mesh.destinationRules.of(service, scope.namespace, scope.labels)
      const made = serviceClusters(mesh, service, rule)
      for (const cluster of made.clusters) clusters.push(cluster)
      for (const assignment of made.endpoints) endpoints.push(assignment)
    }
    return { clusters, endpoints }
  })
}
