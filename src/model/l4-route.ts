// VirtualService tcp[] and tls[]: where a connection's bytes go, by what is known before the first of them is relayed.
import type { SourcePosition } from '../base/problem.ts'
import type { RouteDestination } from './destination.ts'

/** All of it must hold. */
export interface L4Match {
  /** Server names, lower case, `*.` ahead for any depth; never empty in tls[], always in tcp[]. */
  readonly sniHosts: readonly string[]
  /** Addresses or CIDRs of which the connection's destination is one; empty: any. */
  readonly destinationSubnets: readonly string[]
  /** Port of the listener (the service's port); absent: any. */
  readonly port?: number
  /** These three are judged by the control plane against the proxy; a gateway heeds the last alone. */
  readonly sourceLabels: Readonly<Record<string, string>>
  readonly sourceNamespace: string
  /** Empty: those of the VirtualService. */
  readonly gateways: readonly string[]
  readonly position: SourcePosition
}

export interface L4Route {
  /** Of which one must hold; empty in tcp[] alone: every connection. */
  readonly matches: readonly L4Match[]
  readonly destinations: readonly RouteDestination[]
  readonly position: SourcePosition
}
