// Which DestinationRule holds for a service as one client sees it: looked up by namespace, merged by host.
import type { MeshConfig } from '../../model/mesh-config.ts'
import { expandShortName, isWildcard, wildcardsOf } from '../host/host-name.ts'
import type { Labels } from './label-selector.ts'
import { type MergedRule, MergedRules, type RuleObject } from './merged-rules.ts'
import type { MeshService } from './mesh-service.ts'
import { exportedBy } from './precedence.ts'

type RulesConfig = Pick<MeshConfig, 'rootNamespace' | 'domainSuffix' | 'defaultDestinationRuleExportTo'>

/** By `namespace/host`. */
type RuleIndex = Map<string, MergedRules>

export class DestinationRules {
  readonly #rootNamespace: string
  /** As the namespace's own clients see its rules: all that are exported to it. */
  readonly #own: RuleIndex = new Map()
  /** As all others do: those that are not kept in the namespace. */
  readonly #exported: RuleIndex = new Map()
  /** What the root namespace keeps for its own proxies. */
  readonly #kept: RuleIndex = new Map()
  readonly #wildcardNamespaces = new Set<string>()
  /** Selectors that make a rule depend on who asks. */
  readonly selectors: readonly Labels[]

  /** `objects` in order of precedence. */
  constructor(objects: readonly RuleObject[], { rootNamespace, domainSuffix, ...config }: RulesConfig) {
    this.#rootNamespace = rootNamespace
    for (const object of objects) {
      const { namespace, spec } = object
      const host = expandShortName(spec.host, namespace, domainSuffix)
      if (isWildcard(host)) this.#wildcardNamespaces.add(namespace)
      // One that selects workloads selects those of its namespace.
      const audience = spec.workloadSelector
        ? [namespace]
        : exportedBy(spec.exportTo, config.defaultDestinationRuleExportTo, namespace)
      const isKept = audience.length === 1 && audience[0] === namespace
      const isOwn = audience.length === 0 || audience.includes('*') || audience.includes(namespace)
      if (isOwn) add(this.#own, object, host)
      if (!isKept) add(this.#exported, object, host)
      else if (namespace === rootNamespace) add(this.#kept, object, host)
    }
    this.selectors = objects.flatMap(({ spec }) => (spec.workloadSelector ? [spec.workloadSelector] : []))
  }

  /**
   * Client's namespace, then the service's, then the root's: the first with a match wins entirely, even where its rules are
   * for other workloads than this client (Istio).
   */
  of(service: MeshService, clientNamespace: string, clientLabels: Labels): MergedRule | null {
    // What the root namespace exports is for the whole mesh, and comes last; for its own proxies it has what it keeps.
    const index = clientNamespace === this.#rootNamespace ? this.#kept : this.#own
    const own = this.#mostSpecific(index, clientNamespace, service.host)
    if (own) return own.of(clientNamespace, clientLabels)
    const exported = (namespace: string): MergedRule | null =>
      this.#mostSpecific(this.#exported, namespace, service.host)?.of(clientNamespace, clientLabels) ?? null
    return exported(service.namespace) ?? exported(this.#rootNamespace)
  }

  /** Whoever may see them: rules for the host itself hide a wildcard's, as in Istio. */
  #mostSpecific(rules: RuleIndex, namespace: string, host: string): MergedRules | undefined {
    const exact = rules.get(`${namespace}/${host}`)
    if (exact || !this.#wildcardNamespaces.has(namespace)) return exact
    for (const wildcard of wildcardsOf(host)) {
      const found = rules.get(`${namespace}/${wildcard}`)
      if (found) return found
    }
    return undefined
  }
}

function add(index: RuleIndex, object: RuleObject, host: string): void {
  const key = `${object.namespace}/${host}`
  const rules = index.get(key) ?? new MergedRules()
  index.set(key, rules)
  rules.add(object, host)
}
