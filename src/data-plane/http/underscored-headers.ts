// headers_with_underscores_action: to CGI and its heirs `content_length` is `content-length`, so that a name with an
// underscore can pass for one that proxies look at.
import type { HeaderList } from '../../transport/header-list.ts'
import type { Counter, StatsScope } from '../stats/stats-scope.ts'

/** Envoy's, of one codec. */
export interface UnderscoreStats {
  readonly dropped: Counter
  readonly rejected: Counter
}

export interface UnderscorePolicy {
  /** Otherwise the fields are dropped. */
  readonly rejects: boolean
  readonly http1: UnderscoreStats
  readonly http2: UnderscoreStats
}

/** `scope`: the codec's, which all listeners share. */
export function underscoreStats(scope: StatsScope): UnderscoreStats {
  return {
    dropped: scope.counter('dropped_headers_with_underscores'),
    rejected: scope.counter('requests_rejected_with_underscores_in_headers'),
  }
}

/** Drops or counts; true: the request is to be rejected. */
export function rejectsUnderscores(headers: HeaderList, rejects: boolean, stats: UnderscoreStats): boolean {
  let kept = 0
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.includes('_')) {
      if (rejects) {
        stats.rejected.value++
        return true
      }
      stats.dropped.value++
      continue
    }
    headers[kept++] = headers[i]!
    headers[kept++] = headers[i + 1]!
  }
  headers.length = kept
  return false
}
