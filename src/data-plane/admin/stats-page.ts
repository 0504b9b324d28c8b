// /stats and /stats/prometheus: what all event loops of the process have counted, in Envoy's forms, or a part of it.
import { compileRegex } from '../../automata/regex.ts'
import type { Proxy as DataPlaneProxy } from '../proxy.ts'
import { MergedStats } from '../stats/merged-stats.ts'
import { isUsed, type Stat, type StatFilter } from '../stats/stat.ts'
import type { StatsPages } from '../stats/stats-pages.ts'
import { type AdminReply, TEXT, text } from './admin-reply.ts'
import type { WorkerReports } from './worker-report.ts'

/** What the pages take besides the format. */
export const STATS_QUERY = 'filter=REGEX&invert_filter&usedonly&type=Counters|Gauges|Histograms|All'

const MAX_FILTER_CHARACTERS = 1024
/** Envoy's names for them. */
const KINDS: Readonly<Record<string, Stat['kind'] | null>> = {
  All: null,
  Counters: 'counter',
  Gauges: 'gauge',
  Histograms: 'histogram',
}
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  text: TEXT,
  json: 'application/json',
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
}

export interface StatsSource {
  readonly proxy: Pick<DataPlaneProxy, 'stats'>
  readonly workers?: WorkerReports | null
}

export async function statsPage({ proxy, workers }: StatsSource, query: URLSearchParams): Promise<AdminReply> {
  const format = query.get('format') ?? 'text'
  const contentType = Object.hasOwn(CONTENT_TYPES, format) ? CONTENT_TYPES[format] : undefined
  if (contentType === undefined) return text(`usage: /stats?format=(${Object.keys(CONTENT_TYPES).join('|')})\n`, 400)
  const filter = compileFilter(query)
  if (typeof filter === 'string') return text(filter, 400)
  const stats = workers ? await mergedStats(proxy, workers) : proxy.stats
  return { status: 200, contentType, body: stats[format as keyof StatsPages](filter) }
}

async function mergedStats({ stats }: StatsSource['proxy'], workers: WorkerReports): Promise<StatsPages> {
  const merged = new MergedStats()
  for (const batch of stats.batches()) {
    merged.addOwn(batch)
    await new Promise(setImmediate)
  }
  for await (const batch of workers.report('stats')) merged.addOther(batch)
  return merged.pages()
}

/** Says why not. */
function compileFilter(query: URLSearchParams): StatFilter | string {
  const type = query.get('type') ?? 'All'
  if (!Object.hasOwn(KINDS, type)) return `usage: /stats?type=(${Object.keys(KINDS).join('|')})\n`
  const pattern = query.get('filter') ?? ''
  const matches = compilePattern(pattern)
  if (matches === null) return `Invalid regex: "${pattern.slice(0, 100)}"\n`
  const kind = KINDS[type]
  const isWanted = pattern === '' || !query.has('invert_filter')
  const usedOnly = query.has('usedonly')
  return stat => (kind === null || stat.kind === kind) && (!usedOnly || isUsed(stat)) && matches(stat.name) === isWanted
}

/** Matches anywhere in the name, in linear time whatever the pattern. Null when it is none. */
function compilePattern(pattern: string): ((name: string) => boolean) | null {
  if (pattern === '') return () => true
  if (pattern.length > MAX_FILTER_CHARACTERS) return null
  const whole = compileRegex(pattern)
  const anywhere = compileRegex(`(?:.*)(?:${pattern})(?:.*)`)
  return whole.ok && anywhere.ok ? name => anywhere.value.matches(name) : null
}
