// Envoy's /stats/prometheus: exposition format 0.0.4, names and labels as Envoy's tag extraction makes them.
import { BUCKET_BOUNDS } from '../../base/histogram-buckets.ts'
import type { BucketHistogram } from './histogram.ts'
import type { Stat, StatFilter } from './stat.ts'

interface Family {
  readonly kind: Stat['kind']
  readonly members: Stat[]
  /** Of each member. */
  readonly labels: string[]
}

/** Envoy's extractors envoy.response_code and envoy.response_code_class (well_known_names.cc). */
const CODE_CLASS = /_rq_([1-5])xx$/
const CODE = /_rq_(\d{3})$/
/** Metrics in Istio's own namespace are printed without `envoy_`, as istio/proxy registers it. */
const OWN_NAMESPACE = /^istio_/

/** The lines of each metric stand together, behind its type. Empty: a stat was looked at. */
export function* prometheusLines(stats: readonly Stat[], filter: StatFilter): Generator<string> {
  const families = new Map<string, Family>()
  for (const stat of stats) {
    if (filter(stat)) addTo(families, stat)
    yield ''
  }
  for (const [metric, { kind, members, labels }] of families) {
    yield `# TYPE ${metric} ${kind}\n`
    for (let i = 0; i < members.length; i++) yield linesOf(members[i]!, metric, labels[i]!)
  }
}

function addTo(families: Map<string, Family>, stat: Stat): void {
  const { metric, labels } = metricOf(stat)
  let family = families.get(metric)
  if (family === undefined) {
    family = { kind: stat.kind, members: [], labels: [] }
    families.set(metric, family)
  }
  family.members.push(stat)
  family.labels.push(labels)
}

function linesOf(stat: Stat, metric: string, labels: string): string {
  if (stat.kind === 'histogram') return histogramLines(metric, labels, stat.cell)
  return `${metric}${labels === '' ? '' : `{${labels}}`} ${stat.cell.value}\n`
}

function metricOf(stat: Stat): { metric: string; labels: string } {
  const labels: Record<string, string> = { ...stat.labels }
  let name = stat.tagless
  const ofClass = CODE_CLASS.exec(name)
  const ofCode = CODE.exec(name)
  if (ofClass) {
    labels['envoy_response_code_class'] = ofClass[1]!
    name = name.replace(CODE_CLASS, '_rq_xx')
  } else if (ofCode) {
    labels['envoy_response_code'] = ofCode[1]!
    name = name.replace(CODE, '_rq')
  }
  const plain = name.replace(/[^a-zA-Z0-9_]/g, '_')
  const printed = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`)
  return { metric: OWN_NAMESPACE.test(plain) ? plain : `envoy_${plain}`, labels: printed.join(',') }
}

function histogramLines(metric: string, labels: string, histogram: BucketHistogram): string {
  const before = labels === '' ? '' : `${labels},`
  const braces = labels === '' ? '' : `{${labels}}`
  let lines = ''
  let cumulative = 0
  for (let i = 0; i < BUCKET_BOUNDS.length; i++) {
    cumulative += histogram.counts[i]!
    lines += `${metric}_bucket{${before}le="${BUCKET_BOUNDS[i]}"} ${cumulative}\n`
  }
  lines += `${metric}_bucket{${before}le="+Inf"} ${histogram.count}\n`
  return `${lines}${metric}_sum${braces} ${histogram.sum}\n${metric}_count${braces} ${histogram.count}\n`
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, found => (found === '\n' ? '\\n' : `\\${found}`))
}
