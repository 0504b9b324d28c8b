// How a Gateway's server, or a sidecar's inbound listener, ends TLS that is not the mesh's own.

export const TLS_VERSIONS = ['TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'] as const

export type OwnTlsMode = 'SIMPLE' | 'MUTUAL' | 'OPTIONAL_MUTUAL'

/** All of it in the proxy's own folder of certificates: files as written, or what is kept there under one name. */
export type KeyPairSource =
  | { readonly kind: 'files'; readonly certificate: string; readonly privateKey: string }
  | { readonly kind: 'credential'; readonly name: string }

export type RootsSource =
  /** `revocations`: a file, too; empty: none. A credential may have its own. */
  | { readonly kind: 'file'; readonly file: string; readonly revocations: string }
  | { readonly kind: 'credential'; readonly name: string }

export interface ServerTls {
  /**
   * PASSTHROUGH: not ended here. AUTO_PASSTHROUGH: nor that, and the server name says which cluster it is for.
   * ISTIO_MUTUAL: ended with the mesh's certificates, and for its members only. The others: ended with certificates of its
   * own; for all, for those whose certificate is good, or for those without one besides.
   */
  readonly mode: 'PASSTHROUGH' | 'AUTO_PASSTHROUGH' | 'ISTIO_MUTUAL' | OwnTlsMode
  /** One for each kind of key, of which the client's algorithms choose; none where the mode needs none. */
  readonly keyPairs: readonly KeyPairSource[]
  /** Whose clients are let in; null where none is asked. */
  readonly roots: RootsSource | null
  /** Absent: as between sidecars. */
  readonly minVersion?: (typeof TLS_VERSIONS)[number]
  readonly maxVersion?: (typeof TLS_VERSIONS)[number]
  /** OpenSSL's names, for TLS 1.2 and older; empty: the defaults. */
  readonly cipherSuites: readonly string[]
  /** Of which a client's certificate must have one; empty: any. */
  readonly subjectAltNames: readonly string[]
  /** A client's certificate must be one of these (hex SHA-256), or have one of those keys (base64 SHA-256); empty: any. */
  readonly certificateHashes: readonly string[]
  readonly publicKeyHashes: readonly string[]
}

/** Whose bytes go on as they came. */
export function isPassedThrough({ mode }: ServerTls): boolean {
  return mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH'
}
