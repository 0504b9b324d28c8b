// A cluster as the route's priority sees it.
import type { Cluster, ClusterSource } from '../../../cluster/cluster.ts'
import type { ForwardRoute } from '../../../route/route-entry.ts'

export function findCluster(clusters: ClusterSource, name: string, route: ForwardRoute): Cluster | undefined {
  const cluster = clusters.get(name)
  return route.isHighPriority ? cluster?.highPriority : cluster
}
