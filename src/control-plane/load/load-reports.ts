// Load reports as the control plane wants them: of the clusters that somebody watches, from the proxies that may tell of
// them, and of no others.
import { create } from '@bufbuild/protobuf'
import type { Workload } from '../../model/workload.ts'
import type { ClusterStats } from '../../xds/generated/envoy/config/endpoint/v3/load_report_pb.ts'
import {
  type LoadStatsResponse,
  LoadStatsResponseSchema,
} from '../../xds/generated/envoy/service/load_stats/v3/lrs_pb.ts'
import { ClusterLoad } from './cluster-load.ts'
import { GivenUp } from './given-up.ts'

/** A proxy on its stream. */
export interface LoadReporter {
  /** Of its certificate: however many proxies show the same, they are one. */
  readonly identity: string
  readonly namespace: string
  ask(response: LoadStatsResponse): void
}

/** Whether a reporter's word counts; `workload`: the registered one that it stands beside. */
export type MayReport = (reporter: LoadReporter, workload: Workload | null) => boolean

/** What is reported of a cluster, by the identities of those who did. */
export type ReportedLoads = ReadonlyMap<string, ClusterLoad>

/** An Envoy that is asked for nothing says so at every interval. */
const IDLE_INTERVAL_MS = 3_600_000
/** Nobody takes the places of others. */
const MAX_REPORTERS_PER_IDENTITY = 1_000

interface WatchedCluster {
  mayReport: MayReport
  loads: Map<string, ClusterLoad>
}

export class LoadReports {
  /** And what each has given up, by cluster. */
  readonly #reporters = new Map<LoadReporter, Map<string, GivenUp>>()
  readonly #places = new Map<string, number>()
  readonly #watched = new Map<string, WatchedCluster>()
  #question = question([], IDLE_INTERVAL_MS)
  #asked = ''

  get reporters(): number {
    return this.#reporters.size
  }

  /** Which clusters are watched from now on, by whose reports, and how often they are reported. */
  watch(clusters: ReadonlyMap<string, MayReport>, intervalMs: number): void {
    for (const name of this.#watched.keys()) if (!clusters.has(name)) this.#forget(name)
    for (const [name, mayReport] of clusters)
      this.#watched.set(name, { mayReport, loads: this.#watched.get(name)?.loads ?? new Map() })
    const names = [...clusters.keys()]
    const asked = JSON.stringify([names, intervalMs])
    if (asked === this.#asked) return
    this.#asked = asked
    this.#question = question(names, names.length === 0 ? IDLE_INTERVAL_MS : intervalMs)
    for (const reporter of this.#reporters.keys()) reporter.ask(this.#question)
  }

  /** What was reported of a cluster since it was asked for last. */
  drain(cluster: string): ReportedLoads {
    const watched = this.#watched.get(cluster)
    const loads = watched?.loads ?? new Map<string, ClusterLoad>()
    if (watched) watched.loads = new Map()
    return loads
  }

  /** False: there are too many of its identity. */
  connect(reporter: LoadReporter): boolean {
    const taken = this.#places.get(reporter.identity) ?? 0
    if (taken >= MAX_REPORTERS_PER_IDENTITY) return false
    this.#places.set(reporter.identity, taken + 1)
    this.#reporters.set(reporter, new Map())
    if (this.#watched.size > 0) reporter.ask(this.#question)
    return true
  }

  disconnect(reporter: LoadReporter): void {
    if (!this.#reporters.delete(reporter)) return
    const left = (this.#places.get(reporter.identity) ?? 1) - 1
    if (left > 0) this.#places.set(reporter.identity, left)
    else this.#places.delete(reporter.identity)
  }

  /** Of one that is connected. */
  report(reporter: LoadReporter, workload: Workload | null, stats: readonly ClusterStats[]): void {
    const givenUp = this.#reporters.get(reporter)
    for (const one of stats) {
      const watched = this.#watched.get(one.clusterName)
      if (givenUp === undefined || !watched?.mayReport(reporter, workload)) continue
      const load = watched.loads.get(reporter.identity) ?? new ClusterLoad()
      watched.loads.set(reporter.identity, load)
      const of = givenUp.get(one.clusterName) ?? new GivenUp()
      givenUp.set(one.clusterName, of)
      load.take(one, of)
    }
  }

  #forget(cluster: string): void {
    this.#watched.delete(cluster)
    for (const givenUp of this.#reporters.values()) givenUp.delete(cluster)
  }
}

function question(clusters: readonly string[], intervalMs: number): LoadStatsResponse {
  const nanos = (intervalMs % 1000) * 1_000_000
  return create(LoadStatsResponseSchema, {
    clusters: [...clusters],
    loadReportingInterval: { seconds: BigInt(Math.floor(intervalMs / 1000)), nanos },
  })
}
