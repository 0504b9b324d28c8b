// Istio's WorkloadEntry: an endpoint written down by hand, alone or inside a ServiceEntry.
import type { SourcePosition } from '../base/problem.ts'
import type { Locality } from './locality.ts'

export interface WorkloadEntry {
  /** IP address, or a DNS name where the service resolves by DNS. */
  readonly address: string
  /** Port of the service by name, to port of the workload. */
  readonly ports: Readonly<Record<string, number>>
  readonly labels: Readonly<Record<string, string>>
  /** Empty: that of everybody. Every network is reached directly; who asks for it can prefer its own. */
  readonly network: string
  readonly locality: Locality
  /** 0 counts as 1, as in Istio. */
  readonly weight: number
  readonly serviceAccount: string
  readonly position: SourcePosition
}
