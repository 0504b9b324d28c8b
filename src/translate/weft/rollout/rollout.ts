// Weft's Rollout.
import type { Rollout, RolloutStep } from '../../../model/rollout.ts'
import type { KindDefinition } from '../../document/kind-definition.ts'
import { isDnsSubdomain } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readThresholds } from './rollout-thresholds.ts'

export const ROLLOUT: KindDefinition<'Rollout'> = {
  kind: 'Rollout',
  apiVersions: ['weft.dev/v1alpha1'],
  parseSpec,
}

const DEFAULT_INTERVAL_MS = 10_000
const MIN_INTERVAL_MS = 1000
/** Longer timers than this do not exist. */
const MAX_INTERVAL_MS = 86_400_000
const MAX_STEPS = 100
const MAX_VERSION_LENGTH = 253

function parseSpec(spec: ObjectReader): Rollout {
  const host = spec.requiredString('host').toLowerCase()
  if (host !== '' && !isDnsSubdomain(host))
    spec.sink.badValue(spec.place('host'), `"${host.slice(0, 80)}" is not the name of one service`)
  const stable = spec.requiredString('stable')
  const canary = spec.requiredString('canary')
  if (stable !== '' && stable === canary)
    spec.sink.contradiction(spec.place('canary'), 'stable and canary must be two subsets')
  const version = spec.string('version') ?? ''
  if (version.length > MAX_VERSION_LENGTH)
    spec.sink.badValue(spec.place('version'), `is longer than ${MAX_VERSION_LENGTH} characters`)
  const intervalMs = spec.duration('interval', MIN_INTERVAL_MS) ?? DEFAULT_INTERVAL_MS
  if (intervalMs > MAX_INTERVAL_MS) spec.sink.badValue(spec.place('interval'), 'must be at most 24h')
  const steps = readSteps(spec)
  const thresholds = readThresholds(spec)
  spec.done()
  return { host, hostPosition: spec.place('host').position, stable, canary, version, steps, intervalMs, thresholds }
}

function readSteps(spec: ObjectReader): readonly RolloutStep[] {
  const readers = spec.objectList('steps')
  if (readers.length === 0 && spec.list('steps').length === 0) spec.missing('steps')
  if (readers.length > MAX_STEPS) spec.sink.badValue(spec.place('steps'), `more than ${MAX_STEPS} steps`)
  let before = 0
  return readers.map(reader => {
    const weight = reader.integer('weight', 1, 100)
    if (!reader.has('weight')) reader.missing('weight')
    const holdMs = reader.duration('hold', 1)
    if (!reader.has('hold')) reader.missing('hold')
    if (weight !== undefined && weight <= before)
      reader.sink.contradiction(reader.place('weight'), `each step has more than the one before: more than ${before}`)
    before = weight ?? before
    reader.done()
    return { weight: weight ?? 0, holdMs: holdMs ?? 0 }
  })
}
