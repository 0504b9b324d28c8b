// Load reports as the control plane wants them: of the clusters that somebody watches, from every proxy, and of no others.
import { create } from '@bufbuild/protobuf'
import type { ClusterStats } from '../../xds/generated/envoy/config/endpoint/v3/load_report_pb.ts'
import {
  type LoadStatsResponse,
  LoadStatsResponseSchema,
} from '../../xds/generated/envoy/service/load_stats/v3/lrs_pb.ts'
import { ClusterLoad } from './cluster-load.ts'

/** A proxy on its stream. */
export interface LoadReporter {
  ask(response: LoadStatsResponse): void
}

/** An Envoy that is asked for nothing says so at every interval. */
const IDLE_INTERVAL_MS = 3_600_000
const MAX_REPORTERS = 10_000

export class LoadReports {
  readonly #reporters = new Set<LoadReporter>()
  readonly #loads = new Map<string, ClusterLoad>()
  #question = question([], IDLE_INTERVAL_MS)
  #asked = ''

  get reporters(): number {
    return this.#reporters.size
  }

  /** Which clusters are watched from now on, and how often they are reported. */
  watch(clusters: readonly string[], intervalMs: number): void {
    const asked = JSON.stringify([clusters, intervalMs])
    if (asked === this.#asked) return
    this.#asked = asked
    const wanted = new Set(clusters)
    for (const name of this.#loads.keys()) if (!wanted.has(name)) this.#loads.delete(name)
    for (const name of wanted) if (!this.#loads.has(name)) this.#loads.set(name, new ClusterLoad())
    this.#question = question(clusters, clusters.length === 0 ? IDLE_INTERVAL_MS : intervalMs)
    for (const reporter of this.#reporters) reporter.ask(this.#question)
  }

  /** What was reported of a cluster since it was asked for last. */
  drain(cluster: string): ClusterLoad {
    const load = this.#loads.get(cluster) ?? new ClusterLoad()
    if (this.#loads.has(cluster)) this.#loads.set(cluster, new ClusterLoad())
    return load
  }

  /** False: there are too many. */
  connect(reporter: LoadReporter): boolean {
    if (this.#reporters.size >= MAX_REPORTERS) return false
    this.#reporters.add(reporter)
    if (this.#loads.size > 0) reporter.ask(this.#question)
    return true
  }

  disconnect(reporter: LoadReporter): void {
    this.#reporters.delete(reporter)
  }

  report(stats: readonly ClusterStats[]): void {
    for (const cluster of stats) this.#loads.get(cluster.clusterName)?.take(cluster)
  }
}

function question(clusters: readonly string[], intervalMs: number): LoadStatsResponse {
  const nanos = (intervalMs % 1000) * 1_000_000
  return create(LoadStatsResponseSchema, {
    clusters: [...clusters],
    loadReportingInterval: { seconds: BigInt(Math.floor(intervalMs / 1000)), nanos },
  })
}
