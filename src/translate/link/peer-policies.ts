// Whether mTLS is asked for on a port: workload before namespace before mesh; strict where nobody says (Weft's default).
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { Origin } from '../../model/origin.ts'
import type { MutualTlsMode } from '../../model/peer-authentication.ts'
import { type Labels, selects } from './label-selector.ts'
import { originOf } from './precedence.ts'

type Policy = ConfigObjectOf<'PeerAuthentication'>

export interface PeerPolicy {
  readonly mode: MutualTlsMode
  /** The object that decided; none: the default. */
  readonly origin: Origin | null
}

const DEFAULT: PeerPolicy = { mode: 'STRICT', origin: null }

export class PeerPolicies {
  readonly #mesh: PeerPolicy
  /** Null: the namespace has what the mesh has. */
  readonly #byNamespace = new Map<string, PeerPolicy | null>()
  readonly #byWorkload = new Map<string, Policy[]>()

  /** `policies` in order of precedence. */
  constructor(policies: readonly Policy[], rootNamespace: string) {
    let mesh: PeerPolicy | undefined
    for (const policy of policies) {
      const { selector, mode } = policy.spec
      const narrow = selector !== null && Object.keys(selector).length > 0
      if (narrow) {
        // Those in the root namespace select nothing, in code and documentation.
        if (policy.namespace === rootNamespace) continue
        const list = this.#byWorkload.get(policy.namespace)
        if (list) list.push(policy)
        else this.#byWorkload.set(policy.namespace, [policy])
      } else if (policy.namespace === rootNamespace) {
        mesh ??= mode === 'UNSET' ? DEFAULT : { mode, origin: originOf(policy) }
      } else if (!this.#byNamespace.has(policy.namespace)) {
        this.#byNamespace.set(policy.namespace, mode === 'UNSET' ? null : { mode, origin: originOf(policy) })
      }
    }
    this.#mesh = mesh ?? DEFAULT
  }

  /** `port` is the workload's own. */
  of(namespace: string, labels: Labels, port: number): PeerPolicy {
    const policy = this.#byWorkload.get(namespace)?.find(({ spec }) => selects(spec.selector ?? {}, labels))
    const level = policy?.spec.portLevel[port]
    const mode = level !== undefined && level !== 'UNSET' ? level : policy?.spec.mode
    if (policy && mode !== undefined && mode !== 'UNSET') return { mode, origin: originOf(policy) }
    return this.#byNamespace.get(namespace) ?? this.#mesh
  }
}
