// What is known of a downstream connection from the moment it is handed to the network filter.
import type { CertificateDetails } from '../transport/tls/certificate-details.ts'
import type { TlsDetails } from '../transport/tls/tls-details.ts'

export interface PeerCertificate {
  /** First URI SAN: the SPIFFE id. Empty when the certificate has none. */
  readonly uriSan: string
  readonly dnsSans: readonly string[]
  /** RFC 2253 subject, as x-forwarded-client-cert carries it. */
  readonly subject: string
  /** Hex SHA-256 of the DER certificate. */
  readonly sha256: string
  /** The certificate itself, for x-forwarded-client-cert where config asks for it. */
  readonly pem?: string
  /** Checked against a trusted CA or a pin, not just taken. */
  readonly validated?: boolean
  readonly details?: CertificateDetails
}

export interface ConnectionInfo {
  readonly id: number
  /** Monotonic milliseconds, as the next two; -1: there was none. */
  readonly acceptedAt: number
  readonly handshakeBegunAt: number
  readonly handshakeDoneAt: number
  /** `127.0.0.1:8080` */
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remoteIp: string
  /** The peer of the socket itself: differs from the remote address where a PROXY header announced another. */
  readonly directRemoteAddress: string
  readonly directRemoteIp: string
  /** The socket's own end, in the same way. */
  readonly directLocalAddress: string
  readonly tls: boolean
  /** SNI; empty without. */
  readonly requestedServerName: string
  readonly alpn: string
  readonly peer: PeerCertificate | null
  /** What the handshake agreed on; null without one of its own. */
  readonly handshake: TlsDetails | null
  /** Its listener's name. */
  readonly listener: string
  /** Of the filter chain that took it; empty where it has no name. */
  readonly filterChain: string
  /** SPIFFE id of this side's certificate; empty on plaintext. */
  readonly localUriSan: string
  /** TLVs of the PROXY header it came with, to be passed on upstream; a TLV block, empty without. */
  readonly proxyTlvs: Buffer
  /** Where tcp_proxy goes instead of its config's cluster, set by a filter before it; empty: nowhere else. */
  tcpProxyCluster: string
}
