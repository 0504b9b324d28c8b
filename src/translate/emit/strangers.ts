// Where a sidecar sends what nobody knows: outboundTrafficPolicy.
import type { ClientScope } from '../link/client-scope.ts'
import { outboundCluster, PASSTHROUGH_CLUSTER } from './resource-names.ts'

/** Null: nowhere. */
export function strangersCluster({ outboundTrafficPolicy, egressProxy }: ClientScope): string | null {
  if (outboundTrafficPolicy === 'REGISTRY_ONLY') return null
  if (!egressProxy) return PASSTHROUGH_CLUSTER
  return outboundCluster(egressProxy.port ?? 0, egressProxy.subset, egressProxy.host.toLowerCase())
}
