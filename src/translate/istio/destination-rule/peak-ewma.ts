// weft.dev/peak-ewma, an annotation of Weft's own: wherever the rule balances by LEAST_REQUEST, its proxies balance by
// response time and errors instead. Its value is how quickly what they have seen is forgotten: `10s`.
import type { DestinationRule } from '../../../model/destination-rule.ts'
import { parseDuration } from '../../document/duration.ts'
import type { ObjectContext } from '../../document/kind-definition.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { annotationPlace } from '../contract/weft-annotations.ts'

export const PEAK_EWMA = 'weft.dev/peak-ewma'

const MAX_DECAY_MS = 86_400_000

/** Milliseconds; 0: the annotation is not there. */
export function readPeakEwma({ annotations }: ObjectContext, spec: ObjectReader): number {
  const text = annotations[PEAK_EWMA]
  if (text === undefined) return 0
  const decayMs = parseDuration(text)
  if (decayMs !== null && decayMs >= 1 && decayMs <= MAX_DECAY_MS && Number.isInteger(decayMs)) return decayMs
  const message = `"${text.slice(0, 20)}" is not a duration from 1ms to 24h`
  spec.sink.badValue(annotationPlace(PEAK_EWMA, spec), message, 'write for example "10s"')
  return 0
}

/** New endpoints get their share at once: what they can bear shows in how they answer. */
export function checkPeakEwma(rule: DestinationRule, spec: ObjectReader): void {
  if (rule.peakEwmaDecayMs === 0) return
  const policies = [rule.trafficPolicy, ...rule.subsets.map(({ trafficPolicy }) => trafficPolicy)]
  const blocks = policies.flatMap(policy => (policy ? [policy, ...policy.portLevelSettings] : []))
  const warms = blocks.some(({ loadBalancer }) => loadBalancer?.warmup && loadBalancer.simple === 'LEAST_REQUEST')
  if (warms) spec.sink.contradiction(annotationPlace(PEAK_EWMA, spec), `${PEAK_EWMA} does not go with warmup`)
}
