// All that a client may send to: the same lists for every proxy of a scope.
import type { XdsResource } from '../../model/proxy-resources.ts'
import type { ClientScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import type { ClientKind } from './callers-address.ts'
import type { PlaceKey } from './cluster-place.ts'
import { serviceClusters, serviceRelays, serviceTunnels } from './outbound-clusters.ts'

export interface ClientClusters {
  readonly clusters: readonly XdsResource[]
  readonly endpoints: readonly XdsResource[]
}

export function clientClusters(
  mesh: LinkedMesh,
  scope: ClientScope,
  client: ClientKind,
  place: PlaceKey,
): ClientClusters {
  return mesh.memo.get(`client-clusters|${client}|${scope.key}|${place.key}`, () => {
    const clusters: XdsResource[] = []
    const endpoints: XdsResource[] = []
    for (const service of scope.services.values()) {
      const rule = mesh.destinationRules.of(service, scope.namespace, scope.labels)
      const made = serviceClusters(mesh, service, rule, client, place)
      for (const cluster of made.clusters) clusters.push(cluster)
      for (const assignment of made.endpoints) endpoints.push(assignment)
    }
    return { clusters, endpoints }
  })
}

/** What is needed besides, for bytes on ports that take requests. */
export function tunnelClusters(
  mesh: LinkedMesh,
  scope: ClientScope,
  client: ClientKind,
  place: PlaceKey,
): readonly XdsResource[] {
  return mesh.memo.get(`tunnel-clusters|${client}|${scope.key}|${place.key}`, () =>
    [...scope.services.values()].flatMap(service =>
      serviceTunnels(mesh, service, mesh.destinationRules.of(service, scope.namespace, scope.labels), client, place),
    ),
  )
}

/** For gateways with a server of mode AUTO_PASSTHROUGH. */
export function relayClusters(mesh: LinkedMesh, scope: ClientScope, place: PlaceKey): ClientClusters {
  return mesh.memo.get(`relay-clusters|${scope.key}|${place.key}`, () => {
    const made = [...scope.services.values()].map(service =>
      serviceRelays(mesh, service, mesh.destinationRules.of(service, scope.namespace, scope.labels), place),
    )
    return { clusters: made.flatMap(({ clusters }) => clusters), endpoints: made.flatMap(({ endpoints }) => endpoints) }
  })
}
