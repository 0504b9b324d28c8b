// Which DestinationRule holds for a service as one client sees it: looked up by namespace, merged by host.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { Subset } from '../../model/destination-rule.ts'
import type { Origin } from '../../model/origin.ts'
import type { TrafficPolicy } from '../../model/traffic-policy.ts'
import { expandShortName, isWildcard, wildcardsOf } from '../host/host-name.ts'
import { type Labels, selects } from './label-selector.ts'
import type { MeshService } from './mesh-service.ts'
import { exportedTo, originOf } from './precedence.ts'

type RuleObject = ConfigObjectOf<'DestinationRule'>

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
  /** Of its subsets. */
  readonly names: Set<string>
}

/** Rules of some audience, as Istio keeps them: by namespace and host, those of one host that could be merged being one. */
class RuleIndex {
  readonly #name: string
  /** By `namespace/host`. */
  readonly #rules = new Map<string, Draft[]>()
  readonly #wildcardNamespaces = new Set<string>()

  constructor(name: string) {
    this.#name = name
  }

  add(object: RuleObject, host: string): void {
    const key = `${object.namespace}/${host}`
    if (isWildcard(host)) this.#wildcardNamespaces.add(object.namespace)
    const rules = this.#rules.get(key) ?? []
    this.#rules.set(key, rules)
    let apart = true
    for (const rule of rules) {
      apart = !mayMerge(rule, object)
      if (!apart) merge(rule, object)
    }
    if (apart) rules.push(draftOf(object, host, `${this.#name}/${key}/${object.name}`))
  }

  /** Of the closest host that any rule of the namespace is for, whoever may see it. */
  of(namespace: string, host: string): readonly MergedRule[] {
    const exact = this.#rules.get(`${namespace}/${host}`)
    if (exact || !this.#wildcardNamespaces.has(namespace)) return exact ?? []
    for (const wildcard of wildcardsOf(host)) {
      const rules = this.#rules.get(`${namespace}/${wildcard}`)
      if (rules) return rules
    }
    return []
  }
}

/** Of one audience, or the younger of a wider one, which then only counts where the older does; and of one selector. */
function mayMerge(rule: MergedRule, { spec }: RuleObject): boolean {
  const audience = new Set(spec.exportTo)
  const same = audience.size === new Set(rule.exportTo).size || rule.exportTo.length > 0
  return same && rule.exportTo.every(target => audience.has(target)) && sameLabels(rule, spec)
}

function sameLabels(one: Pick<MergedRule, 'workloadSelector'>, other: Pick<MergedRule, 'workloadSelector'>): boolean {
  const text = ({ workloadSelector }: Pick<MergedRule, 'workloadSelector'>): string =>
    JSON.stringify(workloadSelector && Object.entries(workloadSelector).sort())
  return text(one) === text(other)
}

function merge(base: Draft, object: RuleObject): void {
  const { trafficPolicy, subsets, halfOpenProbes, peakEwmaDecayMs } = object.spec
  base.trafficPolicy ??= trafficPolicy
  base.halfOpenProbes ||= halfOpenProbes
  base.peakEwmaDecayMs ||= peakEwmaDecayMs
  for (const subset of subsets) if (!base.names.has(subset.name)) base.subsets.push(subset)
  for (const { name } of subsets) base.names.add(name)
  base.origins.push(originOf(object))
}

function draftOf(object: RuleObject, host: string, key: string): Draft {
  const { namespace, name, spec } = object
  const { trafficPolicy, subsets, exportTo, workloadSelector, halfOpenProbes, peakEwmaDecayMs } = spec
  const names = new Set(subsets.map(subset => subset.name))
  const rule = { host, namespace, name, trafficPolicy, subsets: [...subsets], exportTo, workloadSelector }
  return { ...rule, halfOpenProbes, peakEwmaDecayMs, origins: [originOf(object)], key, names }
}

export class DestinationRules {
  readonly #rootNamespace: string
  /** For proxies of the rule's own namespace. */
  readonly #own = new RuleIndex('own')
  /** For proxies of others, too. */
  readonly #exported = new RuleIndex('exported')
  /** What the root namespace keeps to itself: what it exports is for the whole mesh, and comes last for its proxies, too. */
  readonly #rootPrivate = new RuleIndex('root')
  /** Selectors that make a rule depend on who asks. */
  readonly selectors: readonly Labels[]

  /** `objects` in order of precedence. */
  constructor(objects: readonly RuleObject[], rootNamespace: string, domainSuffix: string) {
    this.#rootNamespace = rootNamespace
    const selecting = objects.filter(({ spec }) => spec.workloadSelector)
    this.selectors = selecting.flatMap(({ spec }) => (spec.workloadSelector ? [spec.workloadSelector] : []))
    for (const object of [...selecting, ...objects.filter(({ spec }) => !spec.workloadSelector)])
      this.#add(object, expandShortName(object.spec.host, object.namespace, domainSuffix))
  }

  #add(object: RuleObject, host: string): void {
    const { namespace, spec } = object
    const isPrivate = spec.workloadSelector !== null || (spec.exportTo.length === 1 && spec.exportTo[0] === namespace)
    if (isPrivate || exportedTo(spec.exportTo, namespace)) this.#own.add(object, host)
    if (!isPrivate) this.#exported.add(object, host)
    else if (namespace === this.#rootNamespace) this.#rootPrivate.add(object, host)
  }

  /** Client's namespace, then the service's, then the root's: the first that has rules for the host wins entirely. */
  of(service: MeshService, clientNamespace: string, clientLabels: Labels): MergedRule | null {
    const { host, namespace } = service
    const own = (clientNamespace === this.#rootNamespace ? this.#rootPrivate : this.#own).of(clientNamespace, host)
    if (own.length > 0) return choose(own, clientNamespace, clientLabels)
    for (const owner of [namespace, this.#rootNamespace]) {
      const visible = this.#exported.of(owner, host).filter(rule => exportedTo(rule.exportTo, clientNamespace))
      if (visible.length > 0) return choose(visible, clientNamespace, clientLabels)
    }
    return null
  }
}

/** One that selects the client; else of several audiences that it belongs to the youngest rule's. */
function choose(rules: readonly MergedRule[], namespace: string, labels: Labels): MergedRule | null {
  const selected = rules.find(
    rule => rule.workloadSelector && rule.namespace === namespace && selects(rule.workloadSelector, labels),
  )
  return selected ?? rules.findLast(rule => rule.workloadSelector === null) ?? null
}
