// Istio's Sidecar: what of the mesh the sidecars of a namespace know, on which listeners, and what they let in.
import type { SourcePosition } from '../base/problem.ts'
import type { Destination } from './destination.ts'
import type { DeclaredProtocol } from './port-protocol.ts'
import type { ServerTls } from './server-tls.ts'
import type { ConnectionPool } from './traffic-policy.ts'

export interface EgressHost {
  /** `*`: any; `.`: the proxy's own, which a Sidecar of the root namespace leaves open. */
  readonly namespace: string
  /** Lower case; may start with `*`. */
  readonly host: string
  /** Left out of what the others let in. */
  readonly excluded: boolean
  readonly position: SourcePosition
}

export interface EgressPort {
  readonly number: number
  /** HTTP_PROXY: requests and CONNECT for any port of the hosts. */
  readonly protocol: DeclaredProtocol | 'HTTP_PROXY'
  readonly name: string
  readonly position: SourcePosition
}

export interface EgressListener {
  /** Null: every port of the hosts that no other listener has; only the last may say so. */
  readonly port: EgressPort | null
  /** Empty: loopback. */
  readonly bind: string
  /** Bound even where an HTTP proxy port stands for interception. */
  readonly alwaysBound: boolean
  readonly hosts: readonly EgressHost[]
}

export interface IngressPort {
  /** The workload's own number for it. */
  readonly number: number
  readonly protocol: DeclaredProtocol
  readonly name: string
  readonly position: SourcePosition
}

export interface IngressEndpoint {
  readonly host: 'loopback' | 'instance'
  /** Of loopback; empty: the instance's own. */
  readonly address: string
  readonly port: number
}

export interface IngressListener {
  readonly port: IngressPort
  /** Empty: where the sidecar listens. */
  readonly bind: string
  /** Null: the application, where the workload says it is. */
  readonly defaultEndpoint: IngressEndpoint | null
  /** Holds where the mesh's own mutual TLS is off. */
  readonly tls: ServerTls | null
  /** Null: that of the Sidecar, else of the DestinationRule. */
  readonly connectionPool: ConnectionPool | null
}

export interface OutboundTrafficPolicy {
  readonly mode: 'ALLOW_ANY' | 'REGISTRY_ONLY'
  /** Where what nobody knows goes, instead of where it was headed. */
  readonly egressProxy: Destination | null
}

export interface Sidecar {
  /** Null: every workload of the namespace; in the root namespace, of every namespace that has none of its own. */
  readonly workloadSelector: Readonly<Record<string, string>> | null
  /** Null: everything that is exported to the namespace. */
  readonly egress: readonly EgressListener[] | null
  /** Ports of the workload that are not among them are as they are without. */
  readonly ingress: readonly IngressListener[]
  /** To the application, on every port without a pool of its own; null: that of the DestinationRule. */
  readonly inboundConnectionPool: ConnectionPool | null
  /** Null: the mesh's. */
  readonly outboundTrafficPolicy: OutboundTrafficPolicy | null
}
