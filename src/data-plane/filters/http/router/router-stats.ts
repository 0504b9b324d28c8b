// Envoy's router counters below the connection manager's prefix.
import type { Counter, StatsScope } from '../../../stats/stats-scope.ts'

export interface RouterStats {
  readonly requests: Counter
  readonly noRoute: Counter
  readonly noCluster: Counter
  readonly redirects: Counter
  readonly directResponses: Counter
  /** Internal redirects that were passed on to the client, by reason. */
  readonly redirectBadLocation: Counter
  readonly redirectUnsafeScheme: Counter
  readonly redirectTooMany: Counter
  readonly redirectNoRoute: Counter
  readonly redirectRejected: Counter
  readonly resetAfterResponseStarted: Counter
  /** Copies given up because their cluster did not keep up with the request. */
  readonly shadowOverflow: Counter
}

export function routerStats(scope: StatsScope): RouterStats {
  return {
    requests: scope.counter('rq_total'),
    noRoute: scope.counter('no_route'),
    noCluster: scope.counter('no_cluster'),
    redirects: scope.counter('rq_redirect'),
    directResponses: scope.counter('rq_direct_response'),
    redirectBadLocation: scope.counter('passthrough_internal_redirect_bad_location'),
    redirectUnsafeScheme: scope.counter('passthrough_internal_redirect_unsafe_scheme'),
    redirectTooMany: scope.counter('passthrough_internal_redirect_too_many_redirects'),
    redirectNoRoute: scope.counter('passthrough_internal_redirect_no_route'),
    redirectRejected: scope.counter('passthrough_internal_redirect_predicate'),
    resetAfterResponseStarted: scope.counter('rq_reset_after_downstream_response_started'),
    shadowOverflow: scope.counter('rq_shadow_overflow'),
  }
}
