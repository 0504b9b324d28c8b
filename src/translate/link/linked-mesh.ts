// A mesh with every reference resolved: what resources are made from, for any of its proxies.
import type { Problem } from '../../base/problem.ts'
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { DestinationRules } from './destination-rules.ts'
import type { EnvoyFilters } from './envoy-filters.ts'
import type { InboundProtocols } from './inbound-protocols.ts'
import type { Labels } from './label-selector.ts'
import type { LinkedVirtualService } from './linked-virtual-service.ts'
import type { Memo } from './memo.ts'
import type { MeshInput } from './mesh-input.ts'
import type { MeshService } from './mesh-service.ts'
import type { PeerPolicies } from './peer-policies.ts'
import type { RateLimits } from './rate-limits.ts'
import type { LinkedRollout } from './rollouts.ts'
import type { Sidecars } from './sidecars.ts'

export interface LinkedMesh {
  readonly input: MeshInput
  /** Over the whole set: what the objects say of one another. */
  readonly problems: readonly Problem[]
  /** In order of precedence; one host may occur in several namespaces. */
  readonly services: readonly MeshService[]
  /** In order of precedence, with the rules of those that they delegate to, and shared out as rollouts say. */
  readonly virtualServices: readonly LinkedVirtualService[]
  /** VirtualServices without hosts. */
  readonly delegates: readonly LinkedVirtualService[]
  /** By host. */
  readonly rollouts: ReadonlyMap<string, LinkedRollout>
  readonly destinationRules: DestinationRules
  readonly gateways: readonly ConfigObjectOf<'Gateway'>[]
  readonly sidecars: Sidecars
  readonly peerPolicies: PeerPolicies
  readonly rateLimits: RateLimits
  readonly envoyFilters: EnvoyFilters
  readonly inboundProtocols: InboundProtocols
  /** Distinct label sets that some rule asks of a client: two proxies of a namespace that agree on them get the same. */
  readonly clientSelectors: readonly Labels[]
  /** Holds every resource that several proxies share. */
  readonly memo: Memo
}
