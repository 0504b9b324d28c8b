// What a route takes over from its virtual host and route configuration.
import type { StatsScope } from '../stats/stats-scope.ts'
import type { MutationLevel } from './header-mutator.ts'
import type { MirrorPolicy } from './mirror-policy.ts'
import type { RetryPolicy } from './route-entry.ts'
import type { FilterLevel, FilterScope, RouteConfigFactories } from './route-filters.ts'
import type { VirtualClusters } from './virtual-clusters.ts'

export interface RouteScope extends FilterScope {
  readonly virtualHost: string
  /** In the order in which they are applied; the weighted cluster's is not among them. */
  readonly requestLevels: readonly MutationLevel[]
  readonly responseLevels: readonly MutationLevel[]
  /** most_specific_header_mutations_wins: the levels come the other way round. */
  readonly mostSpecificWins: boolean
  readonly virtualClusters: VirtualClusters | null
  readonly retry: RetryPolicy | null
  /** For routes that mirror nowhere themselves. */
  readonly mirrors: readonly MirrorPolicy[]
  readonly hedgesOnPerTryTimeout: boolean
  readonly attemptCountInRequest: boolean
  readonly attemptCountInResponse: boolean
  readonly maxDirectResponseBytes: number
  /** Null: what the listener allows. */
  readonly bufferLimit: number | null
  readonly filterFactories: RouteConfigFactories
  /** Where routes with a stat_prefix count; null where nobody does. */
  readonly stats: StatsScope | null
}

/** The scope with one more level, more specific than those it has. */
export function withLevel(
  scope: RouteScope,
  request: MutationLevel,
  response: MutationLevel,
  filters: FilterLevel,
): RouteScope {
  const add = (levels: readonly MutationLevel[], own: MutationLevel): readonly MutationLevel[] =>
    scope.mostSpecificWins ? [...levels, own] : [own, ...levels]
  return {
    ...scope,
    requestLevels: add(scope.requestLevels, request),
    responseLevels: add(scope.responseLevels, response),
    filterLevels: [...scope.filterLevels, filters],
  }
}
