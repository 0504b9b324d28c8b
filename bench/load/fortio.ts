// A steady rate of HTTP/1.1 by fortio: latencies include the wait of a request that came too late to its turn.
import { runChild } from '../harness/child.ts'
import { peer } from '../harness/peer.ts'
import { AUTHORITY, type LoadResult, type LoadTarget, urlOf } from './load-result.ts'

export interface FortioOptions {
  readonly cores: string
  readonly connections: number
  readonly seconds: number
  readonly requestsPerSecond: number
  readonly authority?: string
}

interface FortioReport {
  readonly ActualDuration: number
  readonly RetCodes: Readonly<Record<string, number>>
  readonly DurationHistogram: {
    readonly Count: number
    readonly Max: number
    readonly Percentiles: readonly { readonly Percentile: number; readonly Value: number }[]
  }
}

export async function fortio(target: LoadTarget, options: FortioOptions): Promise<LoadResult> {
  const { cores, connections, seconds, requestsPerSecond, authority = AUTHORITY } = options
  const args = ['load', '-quiet', '-allow-initial-errors', '-nocatchup', '-uniform', '-json', '-', '-p', '50,90,99']
  args.push('-qps', String(requestsPerSecond), '-c', String(connections), '-t', `${seconds}s`)
  args.push('-r', '0.00002', '-H', `Host: ${authority}`, urlOf(target))
  const report = JSON.parse(await runChild(cores, peer('fortio'), args)) as FortioReport
  const { Count, Max, Percentiles } = report.DurationHistogram
  const at = (which: number): number => (Percentiles.find(one => one.Percentile === which)?.Value ?? Number.NaN) * 1000
  return {
    requests: Count,
    errors: Count - (report.RetCodes['200'] ?? 0),
    seconds: report.ActualDuration / 1e9,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    max: Max * 1000,
  }
}
