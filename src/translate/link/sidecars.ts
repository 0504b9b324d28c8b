// Which Sidecar holds for a workload, and what it lets the workload know.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { EgressHost, EgressListener } from '../../model/sidecar.ts'
import { hostsOverlap, hostWithin } from '../host/host-name.ts'
import { type Labels, selects } from './label-selector.ts'
import type { LinkedVirtualService } from './linked-virtual-service.ts'
import type { MeshService } from './mesh-service.ts'

type SidecarObject = ConfigObjectOf<'Sidecar'>

export class Sidecars {
  readonly #all: readonly SidecarObject[]
  readonly #rootNamespace: string

  /** `all` in order of precedence. */
  constructor(all: readonly SidecarObject[], rootNamespace: string) {
    this.#all = all
    this.#rootNamespace = rootNamespace
  }

  /** One that selects it, else its namespace's, else the root namespace's; null: none, and it knows everything. */
  of(namespace: string, labels: Labels): SidecarObject | null {
    const own = this.#all.filter(sidecar => sidecar.namespace === namespace)
    return (
      own.find(({ spec }) => spec.workloadSelector && selects(spec.workloadSelector, labels)) ??
      own.find(isForAll) ??
      this.#all.find(sidecar => sidecar.namespace === this.#rootNamespace && isForAll(sidecar)) ??
      null
    )
  }
}

export function isForAll({ spec }: SidecarObject): boolean {
  return spec.workloadSelector === null
}

/** Whether an egress listener lets the proxies of `namespace` know it. */
export function importsService(listener: EgressListener, namespace: string, service: MeshService): boolean {
  return imports(listener, namespace, service.namespace, host => hostWithin(service.host, host))
}

/** A wildcard on either side is enough, so that a rule is known wherever a service that it may be for is. */
export function importsRules(listener: EgressListener, namespace: string, rules: LinkedVirtualService): boolean {
  return imports(
    listener,
    namespace,
    rules.namespace,
    host => rules.hosts.some(own => hostsOverlap(own, host)),
    host => rules.hosts.every(own => hostWithin(own, host)),
  )
}

function imports(
  { hosts }: EgressListener,
  namespace: string,
  from: string,
  holds: (host: string) => boolean,
  leavesNothing = holds,
): boolean {
  const isOf = (entry: EgressHost): boolean => {
    const wanted = entry.namespace === '.' ? namespace : entry.namespace
    return wanted === '*' || wanted === from
  }
  return (
    hosts.some(entry => !entry.excluded && isOf(entry) && holds(entry.host)) &&
    !hosts.some(entry => entry.excluded && isOf(entry) && leavesNothing(entry.host))
  )
}
