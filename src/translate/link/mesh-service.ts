// A service whatever it was defined by: the registry, a Kubernetes Service or a ServiceEntry.
import type { Locality } from '../../model/locality.ts'
import type { Origin } from '../../model/origin.ts'
import type { PortProtocol } from '../../model/port-protocol.ts'
import type { Workload, WorkloadPort } from '../../model/workload.ts'
import type { Labels } from './label-selector.ts'

export interface MeshServicePort {
  readonly number: number
  readonly name: string
  readonly protocol: PortProtocol
}

export interface MeshEndpoint {
  /** An IP address; a name in services resolved by DNS. */
  readonly address: string
  readonly port: number
  readonly labels: Labels
  readonly locality: Locality
  readonly weight: number
  /** Speaks mesh mTLS on this port. */
  readonly mutualTls: boolean
  /** Not ready, and published all the same. */
  readonly healthy: boolean
  /** Istio's `name;namespace;service;revision;cluster`. */
  readonly workload: string
}

export interface WorkloadTarget {
  readonly workload: Workload
  readonly port: WorkloadPort
}

export interface MeshService {
  /** Fully qualified, lower case. */
  readonly host: string
  /** Short name of a Kubernetes or registry service; the host of a ServiceEntry. */
  readonly name: string
  readonly namespace: string
  readonly ports: readonly MeshServicePort[]
  /** Addresses by which it may be called, besides its names. */
  readonly addresses: readonly string[]
  readonly headless: boolean
  /** Outside the mesh: never spoken to by mesh mTLS. */
  readonly external: boolean
  /** Of its endpoints: known here, by the proxy's DNS, by that for each request's host, or the address that the caller means. */
  readonly resolution: 'EDS' | 'DNS' | 'DNS_ROUND_ROBIN' | 'DYNAMIC_DNS' | 'NONE'
  readonly exportTo: readonly string[]
  readonly origins: readonly Origin[]
  /** Told apart from every other service of this mesh. */
  readonly key: string
  /** Endpoints behind one of its ports; the same array each time. */
  endpoints(port: MeshServicePort): readonly MeshEndpoint[]
  /** Workloads behind one of its ports, well or not, and which port of theirs it is. */
  targets(port: MeshServicePort): readonly WorkloadTarget[]
  /** Identities that its endpoints may have: what clients accept. */
  subjectAltNames(): readonly string[]
}

/** Nobody here knows who stands behind it. */
export function isUnresolved({ resolution }: MeshService): boolean {
  return resolution === 'NONE' || resolution === 'DYNAMIC_DNS'
}

/** Undefined when the service is not known, or has several. */
export function onlyPort(service: MeshService | undefined): number | undefined {
  return service?.ports.length === 1 ? service.ports[0]?.number : undefined
}

export function protocolOf(service: MeshService, port: number): PortProtocol {
  return service.ports.find(({ number }) => number === port)?.protocol ?? 'UNDECLARED'
}
