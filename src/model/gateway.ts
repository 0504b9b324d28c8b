// Istio's Gateway: ports that gateway workloads open, and the hosts they let in.
import type { SourcePosition } from '../base/problem.ts'
import type { DeclaredProtocol } from './port-protocol.ts'
import type { ServerTls } from './server-tls.ts'

export interface GatewayHost {
  /** `*`: virtual services of any namespace; `.` was resolved to the Gateway's own. */
  readonly namespace: string
  /** Lower case; may start with `*`. */
  readonly host: string
  readonly position: SourcePosition
}

export interface GatewayServer {
  readonly name: string
  readonly port: { readonly number: number; readonly name: string; readonly protocol: DeclaredProtocol }
  /** Address to listen on; empty: the gateway's own. */
  readonly bind: string
  readonly hosts: readonly GatewayHost[]
  /** Null for plaintext. */
  readonly tls: ServerTls | null
  /** Plaintext requests are sent to https. */
  readonly redirectsToHttps: boolean
  readonly position: SourcePosition
}

/** What a port may carry beside itself: requests what is requests, TLS what is TLS, bytes nothing. */
export function kindOfServer({ port: { protocol } }: GatewayServer): 'requests' | 'tls' | 'bytes' {
  if (protocol === 'HTTPS' || protocol === 'TLS') return 'tls'
  return protocol.startsWith('HTTP') || protocol.startsWith('GRPC') ? 'requests' : 'bytes'
}

export interface Gateway {
  /** Labels of the gateway workloads, in any namespace; empty: all. */
  readonly selector: Readonly<Record<string, string>>
  readonly servers: readonly GatewayServer[]
}
