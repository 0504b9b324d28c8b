// The endpoints of one priority by locality, and how much of the load each locality is due.
import type { Locality } from '../../model/locality.ts'
import type { ClusterEndpoint } from './cluster-endpoint.ts'
import { OVERPROVISIONING_FACTOR } from './priority-load.ts'

export interface LocalityGroup {
  readonly endpoints: readonly ClusterEndpoint[]
  /** As EDS gives it; 0 takes part in nothing. */
  readonly weight: number
}

/** In the order of their names: by it their endpoints have their places on a ring (Envoy). */
export function groupByLocality(endpoints: readonly ClusterEndpoint[]): readonly LocalityGroup[] {
  const groups = new Map<string, { endpoints: ClusterEndpoint[]; weight: number }>()
  for (const endpoint of endpoints) {
    const key = localityKey(endpoint)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { endpoints: [endpoint], weight: endpoint.localityWeight })
    else {
      group.endpoints.push(endpoint)
      // Where a locality is told of twice, the last word holds, as in Envoy.
      group.weight = endpoint.localityWeight
    }
  }
  return [...groups.values()].sort((a, b) => compareLocalities(a.endpoints[0]!.locality, b.endpoints[0]!.locality))
}

function compareLocalities(a: Locality, b: Locality): number {
  return compare(a.region, b.region) || compare(a.zone, b.zone) || compare(a.subZone, b.subZone)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The weight as far as the locality is well: its spare endpoints may fail first (Envoy's effectiveLocalityWeight). */
export function effectiveWeight({ endpoints, weight }: LocalityGroup, eligible: number): number {
  const total = endpoints.filter(endpoint => !endpoint.excluded).length
  return total === 0 ? 0 : weight * Math.min(1, (OVERPROVISIONING_FACTOR / 100) * (eligible / total))
}

export function localityKey({ locality }: ClusterEndpoint): string {
  return `${locality.region}/${locality.zone}/${locality.subZone}`
}
