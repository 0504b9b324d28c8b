// Istio's DestinationRule: what holds for a host after routing, and the named parts of it.
import type { SourcePosition } from '../base/problem.ts'
import type { TrafficPolicy } from './traffic-policy.ts'

export interface Subset {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly trafficPolicy: TrafficPolicy | null
  readonly position: SourcePosition
}

export interface DestinationRule {
  /** As written; a short name is of the object's namespace. */
  readonly host: string
  readonly hostPosition: SourcePosition
  readonly trafficPolicy: TrafficPolicy | null
  readonly subsets: readonly Subset[]
  /** Empty: the mesh's default, everywhere. */
  readonly exportTo: readonly string[]
  /** Clients that it is for; null: all. */
  readonly workloadSelector: Readonly<Record<string, string>> | null
  /** Requests that an endpoint has to serve well after its ejection before it is fully back; 0: it is at once. */
  readonly halfOpenProbes: number
  /** In place of LEAST_REQUEST, by response time: how quickly that is forgotten; 0: not so. */
  readonly peakEwmaDecayMs: number
}
