// LocalityLoadBalancerSetting and ZoneAwareLoadBalancerSetting: of a DestinationRule's load balancer and of MeshConfig.
import type {
  LocalityDistribution,
  LocalityLoadBalancing,
  ZoneAwareLoadBalancing,
} from '../../../model/load-balancer.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { integerOf } from '../../document/object-reader.ts'
import type { FieldPlace } from '../../document/problem-sink.ts'

const TOPOLOGY_LABELS = new Set([
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
])

export function readLocalityLoadBalancing(reader: ObjectReader): LocalityLoadBalancing {
  const enabled = reader.boolean('enabled')
  const distributions = reader.objectList('distribute')
  const distribute = distributions.map(readDistribution)
  const failover = reader.objectList('failover').map(readFailover)
  const labels = reader.stringList('failoverPriority')
  if (distribute.length > 0 && failover.length > 0)
    reader.sink.contradiction(reader.place('failover'), 'failover does not go with distribute')
  if (distribute.length > 0 && labels.length > 0)
    reader.sink.report(
      'WEFT-1012',
      'warning',
      reader.place('failoverPriority'),
      'failoverPriority has no effect beside distribute',
    )
  checkLabels(labels, reader, failover.length > 0 ? 'failover does' : null)
  const froms = distribute.map(({ from }, i) => ({ text: from, place: distributions[i]!.place('from') }))
  checkLocalities(froms, reader, false)
  reader.done()
  return {
    ...(enabled === undefined ? {} : { enabled }),
    distribute,
    failover,
    failoverPriority: labels.map(({ value }) => value),
  }
}

/** Envoy's where nothing is set. */
const MIN_CLUSTER_SIZE = 6
const MAX_CLUSTER_SIZE = 0x7fff_ffff

export function readZoneAwareLoadBalancing(reader: ObjectReader): ZoneAwareLoadBalancing {
  const enabled = reader.boolean('enabled')
  const failover = reader.objectList('failover').map(readFailover)
  const labels = reader.stringList('failoverPriority')
  checkLabels(labels, reader, 'zones do by themselves')
  const minClusterSize = reader.integer('minClusterSize', 0, MAX_CLUSTER_SIZE) ?? MIN_CLUSTER_SIZE
  reader.done()
  const failoverPriority = labels.map(({ value }) => value)
  return { ...(enabled === undefined ? {} : { enabled }), failover, failoverPriority, minClusterSize }
}

/** `topology`: what says already where endpoints are, so that labels may not. */
function checkLabels(
  labels: readonly { readonly value: string; readonly place: FieldPlace }[],
  reader: ObjectReader,
  topology: string | null,
): void {
  for (const { value, place } of labels) {
    if (value.startsWith('=') || value === '')
      reader.sink.badValue(place, `"${value.slice(0, 80)}" is not label or label=value`)
    if (topology !== null && TOPOLOGY_LABELS.has(value))
      reader.sink.contradiction(place, `${value} says what ${topology}`)
  }
}

function readDistribution(reader: ObjectReader): LocalityDistribution {
  const from = reader.requiredString('from')
  const entries = reader.entries('to')
  const to = entries.flatMap(([locality, value]) => {
    const percent = integerOf(value, 1, 100, reader.sink)
    return percent === undefined ? [] : [{ locality, percent }]
  })
  const total = to.reduce((sum, { percent }) => sum + percent, 0)
  if (entries.length === 0) reader.missing('to')
  else if (to.length === entries.length && total !== 100)
    reader.sink.badValue(reader.place('to'), `the shares add up to ${total}, not to 100`)
  checkLocalities(
    entries.map(([text, place]) => ({ text, place })),
    reader,
    true,
  )
  reader.done()
  return { from, to }
}

function readFailover(reader: ObjectReader): { from: string; to: string } {
  const from = reader.requiredString('from')
  const to = reader.requiredString('to')
  for (const [field, region] of [
    ['from', from],
    ['to', to],
  ] as const)
    if (/[/*]/.test(region)) reader.sink.badValue(reader.place(field), `"${region.slice(0, 80)}" is not a region`)
  if (from === to && from !== '') reader.sink.contradiction(reader.place('to'), 'failover must lead to another region')
  reader.done()
  return { from, to }
}

/**
 * In a list the first that matches holds, so that a wildcard may follow what it covers but not come before it; in a map
 * there is no first.
 */
function checkLocalities(
  localities: readonly { readonly text: string; readonly place: FieldPlace }[],
  reader: ObjectReader,
  unordered: boolean,
): void {
  const before: string[] = []
  for (const { text, place } of localities) {
    if (text === '') continue
    const parts = text.split('/')
    const star = text.indexOf('*')
    if (parts.length > 3 || parts.includes('') || (star >= 0 && (star < text.length - 1 || parts.at(-1) !== '*')))
      reader.sink.badValue(place, `"${text.slice(0, 80)}" is not region/zone/subzone`, 'a * may stand for the rest')
    const rival = before.find(other => covers(other, text) || ((unordered || star < 0) && covers(text, other)))
    if (rival !== undefined) reader.sink.contradiction(place, `"${text}" overlaps with "${rival}"`)
    before.push(text)
  }
}

function covers(wide: string, narrow: string): boolean {
  const rest = narrow.split('/')
  return wide.split('/').every((part, i) => part === '*' || part === rest[i])
}
