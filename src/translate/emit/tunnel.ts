// Where bytes go: to the cluster of a service's port, or where a VirtualService's tcp or tls rule says.
import type { Destination } from '../../model/destination.ts'
import type { L4Route } from '../../model/l4-route.ts'
import type { UpstreamTunnel } from '../../model/upstream-policy.ts'
import { expandShortName } from '../host/host-name.ts'
import type { ClientScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import type { LinkedVirtualService } from '../link/linked-virtual-service.ts'
import { type MeshService, onlyPort, protocolOf } from '../link/mesh-service.ts'
import { policyFor } from './cluster-policy.ts'
import { hashesSourceIp } from './hash-policy.ts'
import { outboundCluster, tunnelCluster } from './resource-names.ts'
import { tunnelsApart } from './upstream-version.ts'

/** Of a DestinationRule, as far as it concerns bytes; undefined: it does not say. */
export interface BytesPolicy {
  readonly idleTimeoutMs?: number | undefined
  readonly maxDurationMs?: number | undefined
  readonly tunnel?: UpstreamTunnel | undefined
  /** A client keeps to one endpoint. */
  readonly hashesSourceIp?: boolean
}

export interface Tunnel {
  /** By which its statistics are known. */
  readonly name: string
  /** At least one; the weight of an only one says nothing. */
  readonly clusters: readonly { readonly name: string; readonly weight: number }[]
  readonly policy: BytesPolicy
}

export function tunnelInto(cluster: string, policy: BytesPolicy = {}): Tunnel {
  return { name: cluster, clusters: [{ name: cluster, weight: 1 }], policy }
}

export function tunnelTo(mesh: LinkedMesh, scope: ClientScope, service: MeshService, port: number): Tunnel {
  // A listener may say that its services speak something else; their clusters do not.
  const { cluster, policy } = resolve(mesh, scope, scope.services.get(service.host) ?? service, port, '')
  return tunnelInto(cluster, policy)
}

/** By a rule. What DestinationRules say of a connection is asked of the first destination, as in Istio. */
export function tunnelBy(
  mesh: LinkedMesh,
  scope: ClientScope,
  rules: LinkedVirtualService,
  { destinations }: L4Route,
  listenerPort: number,
): Tunnel {
  const resolveOne = ({ host, port, subset }: Destination) => {
    const full = expandShortName(host, rules.namespace, mesh.input.meshConfig.domainSuffix)
    const service = scope.services.get(full)
    const number = port ?? onlyPort(service) ?? listenerPort
    return service
      ? resolve(mesh, scope, service, number, subset)
      : { cluster: outboundCluster(number, subset, full), policy: {} }
  }
  const first = resolveOne(destinations[0]!.destination)
  if (destinations.length === 1) return tunnelInto(first.cluster, first.policy)
  const clusters = destinations
    .filter(({ weight }) => weight > 0)
    .map(({ destination, weight }) => ({ name: resolveOne(destination).cluster, weight }))
  return { name: `${rules.name}.${rules.namespace}`, clusters, policy: first.policy }
}

function resolve(mesh: LinkedMesh, scope: ClientScope, service: MeshService, port: number, subset: string) {
  const rule = mesh.destinationRules.of(service, scope.namespace, scope.labels)
  const own = rule?.subsets.find(candidate => candidate.name === subset)?.trafficPolicy ?? null
  const { meshConfig } = mesh.input
  const { connectionPool, tunnel } = policyFor(port, rule?.trafficPolicy ?? null, own, meshConfig.defaultTrafficPolicy)
  const name = tunnelsApart(meshConfig, protocolOf(service, port), connectionPool) ? tunnelCluster : outboundCluster
  const { tcpIdleTimeoutMs: idleTimeoutMs, maxConnectionDurationMs: maxDurationMs } = connectionPool ?? {}
  const hashes = hashesSourceIp(mesh, scope, service)
  return {
    cluster: name(port, subset, service.host),
    policy: { idleTimeoutMs, maxDurationMs, tunnel, hashesSourceIp: hashes },
  }
}
