// Which DestinationRule holds for a service as one client sees it: looked up by namespace, merged by host.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { Subset } from '../../model/destination-rule.ts'
import type { DefaultExportTo, MeshConfig } from '../../model/mesh-config.ts'
import type { Origin } from '../../model/origin.ts'
import type { TrafficPolicy } from '../../model/traffic-policy.ts'
import { expandShortName, isWildcard, wildcardsOf } from '../host/host-name.ts'
import { type Labels, selects } from './label-selector.ts'
import type { MeshService } from './mesh-service.ts'
import { exportedBy, exportedTo, originOf } from './precedence.ts'

type RulesConfig = Pick<MeshConfig, 'rootNamespace' | 'domainSuffix' | 'defaultDestinationRuleExportTo'>
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

/** Who asks, and for which rules alone. */
interface Client {
  readonly namespace: string
  readonly labels: Labels
  readonly only: ((rule: MergedRule) => boolean) | undefined
}

/** Exported to its own namespace and to no other. */
function isPrivate({ exportTo, namespace }: MergedRule): boolean {
  return exportTo.length === 1 && exportTo[0] === namespace
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

export class DestinationRules {
  readonly #rootNamespace: string
  readonly #defaultExportTo: DefaultExportTo
  /** By `namespace/host`. */
  readonly #rules = new Map<string, MergedRule[]>()
  readonly #wildcardNamespaces = new Set<string>()
  /** Selectors that make a rule depend on who asks. */
  readonly selectors: readonly Labels[]

  /** `objects` in order of precedence. */
  constructor(
    objects: readonly RuleObject[],
    { rootNamespace, domainSuffix, defaultDestinationRuleExportTo }: RulesConfig,
  ) {
    this.#rootNamespace = rootNamespace
    this.#defaultExportTo = defaultDestinationRuleExportTo
    const drafts = new Map<string, Draft>()
    for (const object of objects)
      this.#add(object, expandShortName(object.spec.host, object.namespace, domainSuffix), drafts)
    this.selectors = objects.flatMap(({ spec }) => (spec.workloadSelector ? [spec.workloadSelector] : []))
  }

  #add(object: RuleObject, host: string, drafts: Map<string, Draft>): void {
    const key = `${object.namespace}/${host}`
    if (isWildcard(host)) this.#wildcardNamespaces.add(object.namespace)
    const rules = this.#rules.get(key) ?? []
    this.#rules.set(key, rules)
    const { workloadSelector, trafficPolicy, subsets, halfOpenProbes, peakEwmaDecayMs } = object.spec
    // As written: a rule that leaves it to the mesh and one that says the same are two, as in Istio.
    const audience = JSON.stringify([key, [...object.spec.exportTo].sort(), workloadSelector])
    const base = drafts.get(audience)
    if (!base) {
      const { namespace, name } = object
      const origins = [originOf(object)]
      const exportTo = exportedBy(object.spec.exportTo, this.#defaultExportTo, namespace)
      const names = new Set(subsets.map(subset => subset.name))
      const rule = { host, namespace, name, trafficPolicy, subsets: [...subsets], exportTo, workloadSelector, origins }
      const draft = { ...rule, halfOpenProbes, peakEwmaDecayMs, key: `${key}/${name}`, names }
      drafts.set(audience, draft)
      rules.push(draft)
      return
    }
    base.trafficPolicy ??= trafficPolicy
    base.halfOpenProbes ||= halfOpenProbes
    base.peakEwmaDecayMs ||= peakEwmaDecayMs
    for (const subset of subsets) if (!base.names.has(subset.name)) base.subsets.push(subset)
    for (const { name } of subsets) base.names.add(name)
    base.origins.push(originOf(object))
  }

  /** Client's namespace, then the service's, then the root's: the first with a match wins entirely. */
  of(service: MeshService, clientNamespace: string, clientLabels: Labels): MergedRule | null {
    const find = (namespace: string, only?: (rule: MergedRule) => boolean): MergedRule | null =>
      this.#mostSpecific(namespace, service.host, { namespace: clientNamespace, labels: clientLabels, only })
    // What the root namespace exports is for the whole mesh, and comes last; for its own proxies it has what it keeps.
    const own = clientNamespace === this.#rootNamespace ? find(clientNamespace, isPrivate) : find(clientNamespace)
    return own ?? find(service.namespace) ?? find(this.#rootNamespace)
  }

  #mostSpecific(namespace: string, host: string, client: Client): MergedRule | null {
    const exact = this.#visible(`${namespace}/${host}`, client)
    if (exact || !this.#wildcardNamespaces.has(namespace)) return exact
    for (const wildcard of wildcardsOf(host)) {
      const rule = this.#visible(`${namespace}/${wildcard}`, client)
      if (rule) return rule
    }
    return null
  }

  #visible(key: string, { namespace, labels, only }: Client): MergedRule | null {
    const rules = this.#rules.get(key)
    if (!rules) return null
    const visible = rules.filter(rule => exportedTo(rule.exportTo, namespace) && (only?.(rule) ?? true))
    const selected = visible.find(
      rule => rule.workloadSelector && rule.namespace === namespace && selects(rule.workloadSelector, labels),
    )
    return selected ?? visible.find(rule => rule.workloadSelector === null) ?? null
  }
}
