// One object of the config: its metadata, its parsed spec, and the text it was read from.
import type { SourcePosition } from '../base/problem.ts'
import type { DestinationRule } from './destination-rule.ts'
import type { EnvoyFilter } from './envoy-filter.ts'
import type { Gateway } from './gateway.ts'
import type { PeerAuthentication } from './peer-authentication.ts'
import type { RateLimit } from './rate-limit.ts'
import type { Rollout } from './rollout.ts'
import type { Service } from './service.ts'
import type { ServiceEntry } from './service-entry.ts'
import type { Sidecar } from './sidecar.ts'
import type { VirtualService } from './virtual-service.ts'
import type { WorkloadEntry } from './workload-entry.ts'
import type { WorkloadGroup } from './workload-group.ts'

export interface SpecByKind {
  readonly Service: Service
  readonly VirtualService: VirtualService
  readonly DestinationRule: DestinationRule
  readonly EnvoyFilter: EnvoyFilter
  readonly Gateway: Gateway
  readonly ServiceEntry: ServiceEntry
  readonly WorkloadEntry: WorkloadEntry
  readonly WorkloadGroup: WorkloadGroup
  readonly Sidecar: Sidecar
  readonly PeerAuthentication: PeerAuthentication
  readonly RateLimit: RateLimit
  readonly Rollout: Rollout
}

export type ConfigKind = keyof SpecByKind

export const CONFIG_KINDS: readonly ConfigKind[] = [
  'Service',
  'VirtualService',
  'DestinationRule',
  'EnvoyFilter',
  'Gateway',
  'ServiceEntry',
  'WorkloadEntry',
  'WorkloadGroup',
  'Sidecar',
  'PeerAuthentication',
  'RateLimit',
  'Rollout',
]

export interface ConfigObjectOf<K extends ConfigKind> {
  readonly kind: K
  /** As written: `networking.istio.io/v1`. */
  readonly apiVersion: string
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: SpecByKind[K]
  /** The YAML of this one object. */
  readonly text: string
  readonly position: SourcePosition
  /** Orders objects where the oldest wins; filled by the store (its revision), 0 until then. Ties: name, namespace. */
  readonly createdAt: number
}

export type ConfigObject = { readonly [K in ConfigKind]: ConfigObjectOf<K> }[ConfigKind]
