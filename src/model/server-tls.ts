// How a Gateway's server, or a sidecar's inbound listener, ends TLS that is not the mesh's own.

export const TLS_VERSIONS = ['TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'] as const

export type OwnTlsMode = 'SIMPLE' | 'MUTUAL' | 'OPTIONAL_MUTUAL'

export interface ServerTls {
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
