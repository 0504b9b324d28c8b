// Istio's DestinationRule (networking.istio.io).
import type { DestinationRule, Subset } from '../../../model/destination-rule.ts'
import type { KindDefinition, ObjectContext } from '../../document/kind-definition.ts'
import { isDnsLabel, readExportTo, readLabels, readSelector } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { checkHost } from '../contract/host-place.ts'
import { refuseUnknownAnnotations } from '../contract/weft-annotations.ts'
import { checkHalfOpenProbes, HALF_OPEN_PROBES, readHalfOpenProbes } from './half-open-probes.ts'
import { checkPeakEwma, PEAK_EWMA, readPeakEwma } from './peak-ewma.ts'
import { readTrafficPolicy } from './traffic-policy.ts'

export const DESTINATION_RULE: KindDefinition<'DestinationRule'> = {
  kind: 'DestinationRule',
  apiVersions: ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'],
  parseSpec,
}

function parseSpec(spec: ObjectReader, context: ObjectContext): DestinationRule {
  const { namespace } = context
  const host = spec.requiredString('host').toLowerCase()
  if (host !== '') checkHost(host, spec.place('host'), spec.sink, true)
  const exportTo = readExportTo(spec, namespace)
  const workloadSelector = readSelector(spec, 'workloadSelector', 'matchLabels')
  if (workloadSelector && exportTo.some(target => target !== namespace))
    spec.sink.contradiction(spec.place('exportTo'), 'with workloadSelector, exportTo may only be "."')
  const trafficPolicy = readTrafficPolicy(spec)
  const subsets = spec.objectList('subsets').map(readSubset)
  const seen = new Set<string>()
  for (const subset of subsets) {
    const place = { path: spec.place('subsets').path, position: subset.position }
    if (seen.has(subset.name)) spec.sink.contradiction(place, `the subset "${subset.name}" is defined twice`)
    seen.add(subset.name)
  }
  spec.done()
  refuseUnknownAnnotations(context.annotations, [HALF_OPEN_PROBES, PEAK_EWMA], spec)
  const halfOpenProbes = readHalfOpenProbes(context, spec)
  const peakEwmaDecayMs = readPeakEwma(context, spec)
  const hostPosition = spec.place('host').position
  const own = { halfOpenProbes, peakEwmaDecayMs }
  const rule = { host, hostPosition, trafficPolicy, subsets, exportTo, workloadSelector, ...own }
  checkHalfOpenProbes(rule, spec)
  checkPeakEwma(rule, spec)
  return rule
}

function readSubset(reader: ObjectReader): Subset {
  const name = reader.requiredString('name')
  if (name !== '' && !isDnsLabel(name.toLowerCase()))
    reader.sink.badValue(
      reader.place('name'),
      `"${name.slice(0, 80)}" is not a subset name`,
      'letters, digits and dashes',
    )
  const labels = readLabels(reader, 'labels')
  const trafficPolicy = readTrafficPolicy(reader)
  reader.done()
  return { name, labels, trafficPolicy, position: reader.position }
}
