// Envoy's /stats/prometheus: exposition format 0.0.4, names and labels as Envoy's tag extraction makes them.
import { BUCKET_BOUNDS } from '../../base/histogram-buckets.ts'
import type { BucketHistogram } from './histogram.ts'
import type { Stat } from './stat.ts'

interface Family {
  readonly kind: Stat['kind']
  readonly lines: string[]
}

/** Envoy's extractors envoy.response_code and envoy.response_code_class (well_known_names.cc). */
const CODE_CLASS = /_rq_([1-5])xx$/
const CODE = /_rq_(\d{3})$/
/** Metrics in Istio's own namespace are printed without `envoy_`, as istio/proxy registers it. */
const OWN_NAMESPACE = /^istio_/

export function formatPrometheus(stats: readonly Stat[]): string {
  const families = new Map<string, Family>()
  for (const stat of stats) {
    const { metric, labels } = metricOf(stat)
    let family = families.get(metric)
    if (family === undefined) {
      family = { kind: stat.kind, lines: [] }
      families.set(metric, family)
    }
    if (stat.kind === 'histogram') pushHistogram(family.lines, metric, labels, stat.cell)
    else family.lines.push(`${metric}${labels === '' ? '' : `{${labels}}`} ${stat.cell.value}`)
  }
  let text = ''
  for (const [metric, family] of families) text += `# TYPE ${metric} ${family.kind}\n${family.lines.join('\n')}\n`
  return text
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

function pushHistogram(lines: string[], metric: string, labels: string, histogram: BucketHistogram): void {
  const before = labels === '' ? '' : `${labels},`
  const braces = labels === '' ? '' : `{${labels}}`
  let cumulative = 0
  for (let i = 0; i < BUCKET_BOUNDS.length; i++) {
    cumulative += histogram.counts[i]!
    lines.push(`${metric}_bucket{${before}le="${BUCKET_BOUNDS[i]}"} ${cumulative}`)
  }
  lines.push(`${metric}_bucket{${before}le="+Inf"} ${histogram.count}`)
  lines.push(`${metric}_sum${braces} ${histogram.sum}`, `${metric}_count${braces} ${histogram.count}`)
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, found => (found === '\n' ? '\\n' : `\\${found}`))
}
