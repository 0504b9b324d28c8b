// The cluster that a destination stands for.
import type { Destination } from '../../model/destination.ts'
import { outboundCluster } from './resource-names.ts'
import type { RouteSurroundings } from './route-surroundings.ts'

/** The port named; else the service's only one; else the listener's. */
export function clusterOf(destination: Destination, surroundings: RouteSurroundings): string {
  const host = surroundings.expand(destination.host)
  const port = destination.port ?? surroundings.onlyPortOf(host) ?? surroundings.port
  return outboundCluster(port, destination.subset, host)
}
