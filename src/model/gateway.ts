// Istio's Gateway: ports that gateway workloads open, and the hosts they let in.
import type { SourcePosition } from '../base/problem.ts'
import type { DeclaredProtocol } from './port-protocol.ts'

export interface GatewayHost {
  /** `*`: virtual services of any namespace; `.` was resolved to the Gateway's own. */
  readonly namespace: string
  /** Lower case; may start with `*`. */
  readonly host: string
  readonly position: SourcePosition
}

export const TLS_VERSIONS = ['TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'] as const

export type OwnTlsMode = 'SIMPLE' | 'MUTUAL' | 'OPTIONAL_MUTUAL'

export interface GatewayTls {
  /**
   * PASSTHROUGH: not ended here. ISTIO_MUTUAL: ended with the mesh's certificates, and for its members only. The others:
   * ended with certificates of its own; for all, for those whose certificate is good, or for those without one besides.
   */
  readonly mode: 'PASSTHROUGH' | 'ISTIO_MUTUAL' | OwnTlsMode
  /** Files of the gateway's machine, as written; empty where the mode needs none. */
  readonly serverCertificate: string
  readonly privateKey: string
  readonly caCertificates: string
  /** Absent: as between sidecars. */
  readonly minVersion?: (typeof TLS_VERSIONS)[number]
  readonly maxVersion?: (typeof TLS_VERSIONS)[number]
  /** OpenSSL's names, for TLS 1.2 and older; empty: the defaults. */
  readonly cipherSuites: readonly string[]
  /** Of which a client's certificate must have one; empty: any. */
  readonly subjectAltNames: readonly string[]
}

export interface GatewayServer {
  readonly name: string
  readonly port: { readonly number: number; readonly name: string; readonly protocol: DeclaredProtocol }
  /** Address to listen on; empty: the gateway's own. */
  readonly bind: string
  readonly hosts: readonly GatewayHost[]
  /** Null for plaintext. */
  readonly tls: GatewayTls | null
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
