// Istio's ServiceEntry: a service that no registry has.
import type { SourcePosition } from '../base/problem.ts'
import type { PortProtocol } from './port-protocol.ts'
import type { WorkloadEntry } from './workload-entry.ts'

export interface ServiceEntryPort {
  readonly number: number
  readonly name: string
  readonly protocol: PortProtocol
  readonly targetPort?: number
}

/**
 * NONE: the address that the caller means. DNS_ROUND_ROBIN: the first address that a name has now. DYNAMIC_DNS: the addresses
 * of the name that a request asks for, within a wildcard host.
 */
export type Resolution = 'STATIC' | 'DNS' | 'DNS_ROUND_ROBIN' | 'DYNAMIC_DNS' | 'NONE'

export interface ServiceEntry {
  readonly hosts: readonly { readonly value: string; readonly position: SourcePosition }[]
  readonly addresses: readonly string[]
  readonly ports: readonly ServiceEntryPort[]
  readonly location: 'MESH_EXTERNAL' | 'MESH_INTERNAL'
  readonly resolution: Resolution
  readonly endpoints: readonly WorkloadEntry[]
  /** Labels of workloads and WorkloadEntries in the same namespace; null: `endpoints`. */
  readonly workloadSelector: Readonly<Record<string, string>> | null
  /** Empty: the mesh's default, everywhere. */
  readonly exportTo: readonly string[]
  readonly subjectAltNames: readonly string[]
}
