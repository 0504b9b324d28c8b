// Everything that the config of a whole mesh is made from.
import type { ConfigObject } from '../../model/config-object.ts'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { RegistryService } from '../../model/registry-service.ts'
import type { Workload } from '../../model/workload.ts'

export interface MeshInput {
  readonly objects: readonly ConfigObject[]
  readonly services: readonly RegistryService[]
  readonly workloads: readonly Workload[]
  readonly meshConfig: MeshConfig
  /** What the canaries of Rollouts get, by `namespace/name`: percent; absent: nothing yet. */
  readonly canaryWeights?: ReadonlyMap<string, number>
  /** Where proxies ask about global limits; null while it is not known. */
  readonly rateLimitService?: { readonly address: string; readonly port: number } | null
}
