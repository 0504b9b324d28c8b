// The endpoint of a try.
import type { Cluster, Endpoint, PickContext } from '../../../cluster/cluster.ts'
import type { RetryPolicy } from '../../../route/route-entry.ts'

/** Draws again while an endpoint comes up that was tried before, as often as the policy says (Envoy's previous_hosts). */
export function pickEndpoint(cluster: Cluster, context: PickContext, retry: RetryPolicy | null): Endpoint | null {
  let endpoint = cluster.picker.pick(context)
  const { previous } = context
  if (previous === null) return endpoint
  for (let i = retry?.hostSelectionAttempts ?? 0; i > 0; i--) {
    if (endpoint === null || !previous.includes(endpoint)) break
    endpoint = cluster.picker.pick(context)
  }
  return endpoint
}
