// Where bytes for a port of a service go: they have no path and no header to route by.
import type { ClientScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { type MeshService, protocolOf } from '../link/mesh-service.ts'
import { policyFor } from './cluster-policy.ts'
import { hashesSourceIp } from './hash-policy.ts'
import { outboundCluster, tunnelCluster } from './resource-names.ts'
import type { BytesPolicy } from './tcp-proxy.ts'
import { tunnelsApart } from './upstream-version.ts'

export interface Tunnel {
  readonly cluster: string
  readonly policy: BytesPolicy
}

export function tunnelTo(mesh: LinkedMesh, scope: ClientScope, service: MeshService, port: number): Tunnel {
  const rule = mesh.destinationRules.of(service, scope.namespace, scope.labels)
  const { connectionPool, tunnel } = policyFor(port, rule?.trafficPolicy ?? null, null)
  const cluster = tunnelsApart(protocolOf(service, port), connectionPool)
    ? tunnelCluster(port, service.host)
    : outboundCluster(port, '', service.host)
  const { tcpIdleTimeoutMs: idleTimeoutMs, maxConnectionDurationMs: maxDurationMs } = connectionPool ?? {}
  const hashed = hashesSourceIp(mesh, scope, service)
  return { cluster, policy: { idleTimeoutMs, maxDurationMs, tunnel, hashesSourceIp: hashed } }
}
