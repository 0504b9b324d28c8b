// How a Weft proxy says in a load report how long requests took, for which Envoy's report has no field: for each class of
// times a metric, whose count is that of the requests in it.
import { BUCKET_BOUNDS } from '../base/histogram-buckets.ts'

const PREFIX = 'weft.upstream_rq_time.'

/** `weft.upstream_rq_time.250`: of at most 250 ms, and more than the class before; the last has no bound. */
export const TIME_METRICS: readonly string[] = [...BUCKET_BOUNDS.map(bound => `${PREFIX}${bound}`), `${PREFIX}inf`]
