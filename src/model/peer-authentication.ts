// Istio's PeerAuthentication: whether peers must, may or must not speak mTLS to a workload.
export type MutualTlsMode = 'DISABLE' | 'PERMISSIVE' | 'STRICT'

/** UNSET: what the level above says. */
export type MutualTlsSetting = MutualTlsMode | 'UNSET'

export interface PeerAuthentication {
  /** Null: the whole namespace, or the whole mesh in the root namespace. */
  readonly selector: Readonly<Record<string, string>> | null
  readonly mode: MutualTlsSetting
  /** By the workload's own port. */
  readonly portLevel: Readonly<Record<number, MutualTlsSetting>>
}
