// A Kubernetes Service, as a mesh without Kubernetes reads it.
import type { PortProtocol } from './port-protocol.ts'

export interface ServicePort {
  /** Empty where the only port has none. */
  readonly name: string
  readonly number: number
  /** Number or name of the workload's port. */
  readonly targetPort: number | string
  readonly protocol: PortProtocol
}

export interface Service {
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer'
  /** Null: the registry's service of that name gives the endpoints. */
  readonly selector: Readonly<Record<string, string>> | null
  readonly ports: readonly ServicePort[]
  /** clusterIP None. */
  readonly headless: boolean
  /** Addresses it was given by hand; never allocated here. */
  readonly addresses: readonly string[]
  readonly publishNotReadyAddresses: boolean
  /** Annotation networking.istio.io/exportTo. Empty: the mesh's default, everywhere. */
  readonly exportTo: readonly string[]
}
