// DestinationRules for one host in one namespace, merged as far as Istio merges them.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { Subset } from '../../model/destination-rule.ts'
import type { Origin } from '../../model/origin.ts'
import type { TrafficPolicy } from '../../model/traffic-policy.ts'
import { type Labels, selects } from './label-selector.ts'
import { exportedTo, originOf } from './precedence.ts'

export type RuleObject = ConfigObjectOf<'DestinationRule'>

/** Several objects for one host in one namespace. */
export interface MergedRule {
  readonly host: string
  readonly namespace: string
  /** Name of the oldest, by which Istio's metadata call it. */
  readonly name: string
  readonly trafficPolicy: TrafficPolicy | null
  readonly subsets: readonly Subset[]
  readonly exportTo: readonly string[]
  readonly workloadSelector: Labels | null
  readonly halfOpenProbes: number
  readonly peakEwmaDecayMs: number
  readonly origins: readonly Origin[]
  /** Told apart from every other rule of this mesh. */
  readonly key: string
}

/** A rule while objects are still merged into it. */
interface Draft extends MergedRule {
  trafficPolicy: TrafficPolicy | null
  halfOpenProbes: number
  peakEwmaDecayMs: number
  readonly subsets: Subset[]
  readonly origins: Origin[]
  key: string
}

export class MergedRules {
  readonly #drafts: Draft[] = []

  /**
   * In order of precedence. Where audiences differ an object stands for itself, unless its own holds the older one's. It
   * does so, too, where it went into one of several before; the last one that a client sees is the one that holds.
   */
  add(object: RuleObject, host: string): void {
    const { exportTo, workloadSelector } = object.spec
    let standsAlone = true
    for (const draft of this.#drafts) {
      if (!isSameSelector(draft.workloadSelector, workloadSelector)) continue
      standsAlone = !holds(exportTo, draft.exportTo)
      if (!standsAlone) merge(draft, object)
    }
    if (standsAlone) this.#drafts.push(draftOf(object, host))
  }

  /** For a client that its objects are exported to. */
  of(namespace: string, labels: Labels): MergedRule | null {
    const visible = this.#drafts.filter(rule => exportedTo(rule.exportTo, namespace))
    const selected = visible.find(
      rule => rule.workloadSelector && rule.namespace === namespace && selects(rule.workloadSelector, labels),
    )
    return selected ?? visible.findLast(rule => rule.workloadSelector === null) ?? null
  }
}

/** The same audience, or a wider one. Nothing said holds nothing but itself: it is the mesh's to say who that is. */
function holds(wide: readonly string[], narrow: readonly string[]): boolean {
  if (narrow.length === 0) return wide.length === 0
  return narrow.every(namespace => wide.includes(namespace))
}

function isSameSelector(a: Labels | null, b: Labels | null): boolean {
  if (a === null || b === null) return a === b
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key) && a[key] === b[key])
}

function draftOf(object: RuleObject, host: string): Draft {
  const { namespace, name, spec } = object
  const { trafficPolicy, subsets, exportTo, workloadSelector, halfOpenProbes, peakEwmaDecayMs } = spec
  return {
    ...{ host, namespace, name, trafficPolicy, subsets: [...subsets], exportTo, workloadSelector },
    ...{ halfOpenProbes, peakEwmaDecayMs, origins: [originOf(object)], key: `${namespace}/${host}/${name}` },
  }
}

function merge(draft: Draft, { name, spec, ...object }: RuleObject): void {
  const known = new Set(draft.subsets.map(subset => subset.name))
  draft.trafficPolicy ??= spec.trafficPolicy
  draft.halfOpenProbes ||= spec.halfOpenProbes
  draft.peakEwmaDecayMs ||= spec.peakEwmaDecayMs
  for (const subset of spec.subsets) if (!known.has(subset.name)) draft.subsets.push(subset)
  draft.origins.push(originOf({ ...object, name, spec }))
  // Others see fewer objects merged into it, under the same name.
  draft.key += `+${name}`
}
