// The proxy's side of Envoy's load reporting service: tells the control plane, on the connection of its config, what it
// has counted of the clusters that it is asked about.
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { type Client, type ClientDuplexStream, Metadata } from '@grpc/grpc-js'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Node } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { ClusterStatsSchema } from '../../xds/generated/envoy/config/endpoint/v3/load_report_pb.ts'
import {
  LoadReportingService,
  LoadStatsRequestSchema,
  type LoadStatsResponse,
} from '../../xds/generated/envoy/service/load_stats/v3/lrs_pb.ts'
import { grpcServiceDefinition } from '../../xds/grpc-service-definition.ts'
import { TIME_METRICS } from '../../xds/load-metric.ts'
import { durationMs } from '../../xds/resource-check.ts'
import { Backoff } from '../backoff.ts'
import { type ClusterLoad, loadSince, mergedLoads } from './cluster-load.ts'

export interface LoadReporterParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly node: Node
  /** Of each event loop, in the same order each time, as it is now. */
  readonly loads: (clusters: readonly string[]) => Promise<readonly (readonly ClusterLoad[])[]>
}

type LoopLoads = Map<string, ClusterLoad>
type Call = ClientDuplexStream<unknown, unknown>

const MIN_INTERVAL_MS = 100
const MAX_INTERVAL_MS = 3_600_000
const MAX_CLUSTERS = 10_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 30_000

export class LoadReporter {
  readonly #parts: LoadReporterParts
  readonly #backoff: Backoff
  #call: Call | null = null
  /** Of the next report, or of the next try to open a stream. */
  #timer: Timer | null = null
  /** By which a report begun for an earlier question is known. */
  #question = 0
  /** By event loop: one may have a new version of a cluster, and count anew, before another has. */
  #before: LoopLoads[] = []
  #reportedAt = 0

  constructor(parts: LoadReporterParts) {
    this.#parts = parts
    this.#backoff = new Backoff(FIRST_RETRY_MS, LAST_RETRY_MS, parts.random)
  }

  /** A stream of its own on what `connect` gives, until closed; where the server ends it, it is asked again after a while. */
  open(connect: () => Client): void {
    this.close()
    const { path, requestSerialize, responseDeserialize } =
      grpcServiceDefinition(LoadReportingService)['StreamLoadStats']!
    const call: Call = connect().makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata())
    this.#call = call
    const onEnd = (why: string): void => {
      if (this.#call !== call) return
      this.#parts.log.debug('no load reports', { why })
      this.close()
      this.#timer = this.#parts.clock.setTimer(this.#backoff.next(), () => this.open(connect))
    }
    call.on('data', (response: LoadStatsResponse) => {
      if (this.#call !== call) return
      this.#backoff.reset()
      void this.#answer(response)
    })
    call.on('error', error => onEnd(error.message))
    call.on('end', () => onEnd('the stream has ended'))
    call.write(create(LoadStatsRequestSchema, { node: this.#parts.node }))
  }

  close(): void {
    const call = this.#call
    this.#end()
    call?.cancel()
  }

  #end(): void {
    this.#call = null
    this.#question++
    this.#before = []
    this.#timer?.cancel()
    this.#timer = null
  }

  /** Counting begins with the question, as in Envoy; of a cluster that was asked for already it goes on. */
  async #answer({ clusters, loadReportingInterval }: LoadStatsResponse): Promise<void> {
    const question = ++this.#question
    this.#timer?.cancel()
    const names = clusters.slice(0, MAX_CLUSTERS)
    const asked = Math.max(MIN_INTERVAL_MS, durationMs(loadReportingInterval, MAX_INTERVAL_MS))
    const loads = await this.#loads(names)
    if (question !== this.#question) return
    const known = this.#before
    this.#before = loads.map(
      (loop, index) => new Map(loop.map(load => [load.name, known[index]?.get(load.name) ?? copyOf(load)])),
    )
    this.#reportedAt = this.#parts.clock.now()
    if (names.length > 0) this.#wait(names, Math.min(asked, MAX_INTERVAL_MS), question)
  }

  #wait(names: readonly string[], intervalMs: number, question: number): void {
    this.#timer = this.#parts.clock.setTimer(intervalMs, () => void this.#report(names, intervalMs, question))
  }

  async #report(names: readonly string[], intervalMs: number, question: number): Promise<void> {
    const loads = await this.#loads(names)
    if (question !== this.#question) return
    const now = this.#parts.clock.now()
    const elapsedMs = now - this.#reportedAt
    this.#reportedAt = now
    const since = loads.map((loop, index) => this.#loopSince(loop, index))
    const clusterStats = mergedLoads(since).map(load => statsOf(load, elapsedMs))
    this.#call?.write(create(LoadStatsRequestSchema, { clusterStats }))
    this.#wait(names, intervalMs, question)
  }

  #loopSince(loads: readonly ClusterLoad[], index: number): readonly ClusterLoad[] {
    this.#before[index] ??= new Map()
    const known = this.#before[index]
    return loads.flatMap(load => {
      const before = known.get(load.name)
      known.set(load.name, copyOf(load))
      // What has come to be known only now is told from now on.
      return before === undefined ? [] : loadSince(load, before)
    })
  }

  /** A worker that is ending answers nothing, nor does an admin interface that is not there yet. */
  async #loads(names: readonly string[]): Promise<readonly (readonly ClusterLoad[])[]> {
    return names.length === 0 ? [] : await this.#parts.loads(names).catch(() => [])
  }
}

/** The times go on being counted where they stand. */
function copyOf(load: ClusterLoad): ClusterLoad {
  return { ...load, times: load.times.slice() }
}

function statsOf(load: ClusterLoad, elapsedMs: number): MessageInitShape<typeof ClusterStatsSchema> {
  const loadMetricStats = [...load.times.entries()].flatMap(([index, count]) =>
    count === 0 ? [] : { metricName: TIME_METRICS[index]!, numRequestsFinishedWithMetric: BigInt(count) },
  )
  const milliseconds = Math.round(elapsedMs)
  return {
    clusterName: load.name,
    totalDroppedRequests: BigInt(load.dropped),
    loadReportInterval: { seconds: BigInt(Math.floor(milliseconds / 1000)), nanos: (milliseconds % 1000) * 1_000_000 },
    upstreamLocalityStats: [
      {
        locality: {},
        totalSuccessfulRequests: BigInt(load.succeeded),
        totalErrorRequests: BigInt(load.failed),
        totalRequestsInProgress: BigInt(load.active),
        totalIssuedRequests: BigInt(load.issued),
        loadMetricStats,
      },
    ],
  }
}
