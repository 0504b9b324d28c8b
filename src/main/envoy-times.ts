// How long requests took that went through an Envoy. Its own load reports do not say, its admin interface does: the agent
// beside it reports what is missing, in its name.
import type { Client } from '@grpc/grpc-js'
import type { Clock, Timer } from '../base/clock.ts'
import { BUCKET_BOUNDS } from '../base/histogram-buckets.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { Backoff } from '../data-plane/backoff.ts'
import type { ClusterLoad } from '../data-plane/load-report/cluster-load.ts'
import { LoadReporter } from '../data-plane/load-report/load-reporter.ts'
import {
  type ControlPlaneCredentials,
  openControlPlaneChannel,
} from '../data-plane/xds-client/control-plane-channel.ts'
import type { Node } from '../xds/generated/envoy/config/core/v3/base_pb.ts'

export interface EnvoyTimesParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly node: Node
  /** `host:port` of the control plane. */
  readonly target: string
  /** Asked anew for each connection. */
  credentials(): ControlPlaneCredentials
  readonly adminPort: number
}

interface HistogramsPage {
  readonly stats?: readonly { readonly histograms?: readonly EnvoyHistogram[] }[]
}

interface EnvoyHistogram {
  readonly name?: string
  readonly buckets?: readonly { readonly upper_bound?: number; readonly cumulative?: number }[]
}

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 30_000
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024
const SCRAPE_TIMEOUT_MS = 2_000

export class EnvoyTimes {
  readonly #parts: EnvoyTimesParts
  readonly #backoff: Backoff
  readonly #reporter: LoadReporter
  #client: Client | null = null
  #retry: Timer | null = null
  #stopped = false

  constructor(parts: EnvoyTimesParts) {
    const { clock, random, log, node, adminPort } = parts
    this.#parts = parts
    this.#backoff = new Backoff(FIRST_RETRY_MS, LAST_RETRY_MS, random)
    this.#reporter = new LoadReporter({
      clock,
      log,
      node,
      loads: names => {
        this.#backoff.reset()
        return timesOf(`http://127.0.0.1:${adminPort}`, names)
      },
      onEnd: () => this.#onEnd(),
    })
  }

  start(): void {
    if (this.#stopped) return
    this.#client = openControlPlaneChannel(this.#parts.target, this.#parts.credentials(), MAX_RESPONSE_BYTES)
    this.#reporter.open(this.#client)
  }

  stop(): void {
    this.#stopped = true
    this.#retry?.cancel()
    this.#reporter.close()
    this.#client?.close()
  }

  #onEnd(): void {
    this.#client?.close()
    this.#client = null
    if (!this.#stopped) this.#retry = this.#parts.clock.setTimer(this.#backoff.next(), () => this.start())
  }
}

/**
 * Asked twice: the bootstrap has Envoy merge what its threads have recorded when its statistics are asked for
 * (stats_flush_on_admin), and the first answer does not have it yet.
 */
export async function timesOf(admin: string, clusters: readonly string[]): Promise<readonly ClusterLoad[]> {
  await scrape(admin, clusters)
  return await scrape(admin, clusters)
}

async function scrape(admin: string, clusters: readonly string[]): Promise<readonly ClusterLoad[]> {
  const names = clusters.map(name => name.replaceAll(/[^\w-]/g, '\\$&')).join('|')
  const filter = encodeURIComponent(`^cluster\\.(${names})\\.upstream_rq_time$`)
  const query = `type=Histograms&histogram_buckets=disjoint&format=json&filter=${filter}`
  const response = await fetch(`${admin}/stats?${query}`, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) })
  const page = (await response.json()) as HistogramsPage
  const histograms = page.stats?.flatMap(stat => stat.histograms ?? []) ?? []
  return clusters.flatMap(name => {
    const found = histograms.find(histogram => histogram.name === `cluster.${name}.upstream_rq_time`)
    const nothing = { succeeded: 0, failed: 0, dropped: 0, active: 0, issued: 0 }
    return found ? { name, ...nothing, times: countsOf(found) } : []
  })
}

/** Envoy's default classes are Weft's; what its last one does not hold it does not tell. */
function countsOf({ buckets = [] }: EnvoyHistogram): Float64Array {
  const counts = new Float64Array(BUCKET_BOUNDS.length + 1)
  for (const { upper_bound: bound, cumulative } of buckets) {
    const index = bound === undefined ? -1 : BUCKET_BOUNDS.indexOf(bound)
    if (index >= 0) counts[index] = cumulative ?? 0
  }
  return counts
}
