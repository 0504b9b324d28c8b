// Asks a cluster's picker for an endpoint, and again while it names one that the stream has tried.
import type { Cluster, Endpoint, PickContext } from '../../../cluster/cluster.ts'

export interface RepeatedPick extends PickContext {
  attempt: number
}

/** As often again as the policy says (Envoy's previous_hosts and host_selection_retry_max_attempts). */
export function pickEndpoint(cluster: Cluster, context: RepeatedPick, moreAttempts: number): Endpoint | null {
  context.attempt = 0
  let endpoint = cluster.picker.pick(context)
  const { previous } = context
  if (previous === null) return endpoint
  while (endpoint !== null && context.attempt < moreAttempts && previous.includes(endpoint)) {
    context.attempt++
    endpoint = cluster.picker.pick(context)
  }
  return endpoint
}
