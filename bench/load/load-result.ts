/** What a load generator says of one run, in whatever words it says it. */
export interface LoadResult {
  readonly requests: number
  readonly errors: number
  readonly seconds: number
  /** Milliseconds. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Of the milliseconds that each request took. */
export function percentiles(durations: Iterable<number>): Pick<LoadResult, 'p50' | 'p90' | 'p99' | 'max'> {
  const sorted = Float64Array.from(durations).sort()
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

export interface LoadTarget {
  /** `http` or `https`, on loopback. */
  readonly scheme: 'http' | 'https'
  readonly port: number
  readonly path: string
}

/** A sidecar routes by it; the others take any. */
export const AUTHORITY = 'upstream.default.svc.cluster.local:9080'

export function urlOf({ scheme, port, path }: LoadTarget): string {
  return `${scheme}://127.0.0.1:${port}${path}`
}
