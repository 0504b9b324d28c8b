// How long requests took that went through an Envoy. Its own load reports do not say, its admin interface does: the agent
// beside it reports what is missing, in its name.
import type { Client } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.ts'
import { BUCKET_BOUNDS } from '../base/histogram-buckets.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
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

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024
/** Envoy takes no head of more than 60 KiB. */
const MAX_FILTER_CHARACTERS = 32_000
const SCRAPE_TIMEOUT_MS = 2_000

export class EnvoyTimes {
  readonly #parts: EnvoyTimesParts
  readonly #reporter: LoadReporter
  #client: Client | null = null

  constructor(parts: EnvoyTimesParts) {
    const { clock, random, log, node, adminPort } = parts
    this.#parts = parts
    const loads = async (names: readonly string[]) => [await timesOf(`http://127.0.0.1:${adminPort}`, names)]
    this.#reporter = new LoadReporter({ clock, random, log, node, loads })
  }

  start(): void {
    this.#reporter.open(() => {
      // Another time it shows another certificate.
      this.#client?.close()
      this.#client = openControlPlaneChannel(this.#parts.target, this.#parts.credentials(), MAX_RESPONSE_BYTES)
      return this.#client
    })
  }

  stop(): void {
    this.#reporter.close()
    this.#client?.close()
  }
}

/**
 * Asked once more than there is to ask: the bootstrap has Envoy merge what its threads have recorded when its statistics
 * are asked for (stats_flush_on_admin), and the first answer does not have it yet.
 */
export async function timesOf(admin: string, clusters: readonly string[]): Promise<readonly ClusterLoad[]> {
  const filters = filtersOf(clusters)
  const histograms: EnvoyHistogram[] = []
  if (filters[0] !== undefined) await scrape(admin, filters[0])
  for (const filter of filters) histograms.push(...(await scrape(admin, filter)))
  const byName = new Map(histograms.map(histogram => [histogram.name, histogram]))
  return clusters.flatMap(name => {
    const found = byName.get(`cluster.${name}.upstream_rq_time`)
    const nothing = { succeeded: 0, failed: 0, dropped: 0, active: 0, issued: 0 }
    return found ? { name, ...nothing, times: countsOf(found) } : []
  })
}

/** As many clusters in each as a request has room for. */
function filtersOf(clusters: readonly string[]): readonly string[] {
  const groups: string[] = []
  for (const name of clusters) {
    const escaped = encodeURIComponent(name.replaceAll(/[^\w-]/g, '\\$&'))
    const last = groups.at(-1)
    if (last === undefined || last.length + escaped.length > MAX_FILTER_CHARACTERS) groups.push(escaped)
    else groups[groups.length - 1] = `${last}%7C${escaped}`
  }
  return groups.map(
    names => `${encodeURIComponent('^cluster\\.(')}${names}${encodeURIComponent(')\\.upstream_rq_time$')}`,
  )
}

async function scrape(admin: string, filter: string): Promise<readonly EnvoyHistogram[]> {
  const query = `type=Histograms&histogram_buckets=disjoint&format=json&filter=${filter}`
  const response = await fetch(`${admin}/stats?${query}`, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) })
  const page = (await response.json()) as HistogramsPage
  return page.stats?.flatMap(stat => stat.histograms ?? []) ?? []
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
