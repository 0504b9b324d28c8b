// A running instance of a service, as the registry knows it: what Kubernetes calls a pod and Istio a workload.
import type { Locality } from './locality.ts'

export interface WorkloadPort {
  /** Matches a Service's named targetPort, and the port names of a WorkloadEntry. */
  readonly name: string
  /** The workload's own port: what a Service's numeric targetPort and PeerAuthentication.portLevelMtls name. */
  readonly number: number
  /** Where the application really listens, on `applicationAddress`. Equals `number` unless the launcher chose another. */
  readonly applicationPort: number
  /** Where peers reach this port of the workload, on `address`: the sidecar's inbound listener, or the application. */
  readonly inboundPort: number
}

/** What the control plane must know of the proxy beside the workload; null for a workload without one. */
export interface WorkloadProxy {
  readonly kind: 'sidecar' | 'router'
  /** Address that its listeners bind. */
  readonly bindAddress: string
  /** Sidecars: where the application's HTTP_PROXY points (Istio's proxyHttpPort); absent: one outbound listener per port. */
  readonly httpProxyPort?: number
  /** Sidecars: where the workload is reached by HBONE; absent: nowhere. */
  readonly hbonePort?: number
  /** Gateways: bound port for each port that a Gateway asks for; a port not named here is bound as asked. */
  readonly gatewayPorts?: Readonly<Record<string, number>>
  /** Where its admin interface listens, for `weft proxy-config`. */
  readonly adminPort?: number
}

export type TlsMode = 'istio' | 'disabled'

export interface Workload {
  /** Unique in its namespace: `reviews-v1-0`. */
  readonly name: string
  readonly namespace: string
  /** The registry service it belongs to by name, where one was registered; Kubernetes Services select by label. */
  readonly service: string
  readonly version: string
  /** The WorkloadGroup that it is of; its ports then have the names of the services' ports. */
  readonly group?: string
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAccount: string
  readonly address: string
  readonly applicationAddress: string
  readonly ports: readonly WorkloadPort[]
  readonly locality: Locality
  /** Relative share of traffic; 1 unless set. */
  readonly weight: number
  /** `istio`: peers speak mesh mTLS to it (label security.istio.io/tlsMode). */
  readonly tlsMode: TlsMode
  readonly proxy: WorkloadProxy | null
  readonly healthy: boolean
}
