// Envoy's zone-aware routing, computed where all is known that it depends on: who the client's peers are, and where.

/** Endpoints of one locality. */
interface ZoneCapacity {
  readonly key: string
  readonly healthy: number
}

interface ZoneClient {
  /** Its own locality. */
  readonly own: string
  /** How many clients like it there are in each locality. */
  readonly peers: ReadonlyMap<string, number>
  readonly minClusterSize: number
}

/** Shares are in hundredths of a percent, as Envoy counts them. */
const WHOLE = 10_000

/**
 * Every client keeps to its own locality as far as that has as large a part of the endpoints as of the clients; what is
 * over goes where it is the other way round. So each endpoint gets the same, and as little as can be crosses zones. Null
 * where Envoy takes no account of zones: too few endpoints or localities, or a client that is not among its peers.
 */
export function zoneShares(zones: readonly ZoneCapacity[], client: ZoneClient): readonly number[] | null {
  const { own, peers, minClusterSize } = client
  const endpoints = zones.reduce((sum, { healthy }) => sum + healthy, 0)
  if (zones.length < 2 || peers.size < 2 || !peers.has(own) || endpoints < Math.max(1, minClusterSize)) return null
  const clients = [...peers.values()].reduce((sum, count) => sum + count, 0)
  const capacity = zones.map(({ healthy }) => Math.floor((WHOLE * healthy) / endpoints))
  const demand = zones.map(({ key }) => Math.floor((WHOLE * (peers.get(key) ?? 0)) / clients))
  const at = zones.findIndex(({ key }) => key === own)
  const [ownCapacity = 0, ownDemand = 0] = [capacity[at], demand[at]]
  if (ownCapacity > 0 && ownCapacity >= ownDemand) return zones.map((_, i) => (i === at ? WHOLE : 0))
  const kept = ownDemand > 0 ? Math.floor((ownCapacity * WHOLE) / ownDemand) : 0
  const spare = zones.map((_, i) => (i === at ? 0 : Math.max(0, capacity[i]! - demand[i]!)))
  const allSpare = spare.reduce((sum, part) => sum + part, 0)
  const left = WHOLE - kept
  return spare.map((part, i) => {
    const crossing = allSpare > 0 ? (left * part) / allSpare : left / zones.length
    return Math.round(crossing + (i === at ? kept : 0))
  })
}
