// Istio's Gateway: ports that gateway workloads open, and the hosts they let in.
import type { SourcePosition } from '../base/problem.ts'

export interface GatewayHost {
  /** `*`: virtual services of any namespace; `.` was resolved to the Gateway's own. */
  readonly namespace: string
  /** Lower case; may start with `*`. */
  readonly host: string
  readonly position: SourcePosition
}

/** Told apart by the first bytes of a connection, whichever is written. */
export type GatewayProtocol = 'HTTP' | 'HTTP2' | 'GRPC' | 'GRPC-WEB'

export interface GatewayServer {
  readonly name: string
  readonly port: { readonly number: number; readonly name: string; readonly protocol: GatewayProtocol }
  /** Address to listen on; empty: the gateway's own. */
  readonly bind: string
  readonly hosts: readonly GatewayHost[]
  readonly position: SourcePosition
}

export interface Gateway {
  /** Labels of the gateway workloads, in any namespace; empty: all. */
  readonly selector: Readonly<Record<string, string>>
  readonly servers: readonly GatewayServer[]
}
