// Istio's Sidecar, as far as it is honoured: what of the mesh the sidecars of a namespace know.
import type { SourcePosition } from '../base/problem.ts'

export interface EgressHost {
  /** `*`: any; `.`: the proxy's own, which a Sidecar of the root namespace leaves open. */
  readonly namespace: string
  /** Lower case; may start with `*`. */
  readonly host: string
  readonly position: SourcePosition
}

export interface Sidecar {
  /** Null: every workload of the namespace; in the root namespace, of every namespace that has none of its own. */
  readonly workloadSelector: Readonly<Record<string, string>> | null
  /** Null: everything that is exported to the namespace; empty: nothing. */
  readonly egressHosts: readonly EgressHost[] | null
  /** Null: the mesh's. */
  readonly outboundTrafficPolicy: 'ALLOW_ANY' | 'REGISTRY_ONLY' | null
}
