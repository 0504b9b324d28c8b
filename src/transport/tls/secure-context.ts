// OpenSSL's view of a TLS context: built when a secret or the config changes, used for the connections made after.
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls'
import { revocationsOf } from './pem-blocks.ts'

export interface KeyPair {
  /** PEM, the leaf first. */
  readonly certificateChain: string
  /** PEM. */
  readonly privateKey: string
}

export interface TlsParameters {
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  /** OpenSSL names, for TLS 1.2 and below; empty: Node's own. */
  readonly cipherSuites: readonly string[]
  readonly ecdhCurves: readonly string[]
  readonly signatureAlgorithms: readonly string[]
}

export interface SecureContextMaterial {
  readonly parameters: TlsParameters
  /** One for each kind of key (RSA, ECDSA), of which the peer's algorithms choose. */
  readonly keyPairs: readonly KeyPair[]
  /** PEM certificates, and revocation lists where there are any; null: none, and then chains are not verified. */
  readonly trustedCa: string | null
}

/** Throws OpenSSL's error when the material does not fit together (key of another certificate, no PEM). */
export function buildSecureContext(material: SecureContextMaterial): SecureContext {
  const { parameters, keyPairs, trustedCa } = material
  const options: SecureContextOptions = {
    minVersion: parameters.minVersion,
    maxVersion: parameters.maxVersion,
    // Every connection is verified afresh: a resumed session carries the verdict of older secrets and SAN matchers.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: 'weft',
    // As Envoy sets X509_V_FLAG_PARTIAL_CHAIN: an intermediate in the bundle is a trust anchor.
    allowPartialTrustChain: true,
    // An empty list, not Node's built-in roots: public authorities have no say in a mesh.
    ca: trustedCa ?? [],
  }
  if (keyPairs.length > 0) {
    options.key = keyPairs.map(({ privateKey }) => privateKey)
    options.cert = keyPairs.map(({ certificateChain }) => certificateChain)
  }
  // OpenSSL then asks for a list of every authority in the chain, as Envoy does.
  const revocations = revocationsOf(trustedCa ?? '')
  if (revocations.length > 0) options.crl = [...revocations]
  if (parameters.cipherSuites.length > 0) options.ciphers = parameters.cipherSuites.join(':')
  if (parameters.ecdhCurves.length > 0) options.ecdhCurve = parameters.ecdhCurves.join(':')
  if (parameters.signatureAlgorithms.length > 0) options.sigalgs = parameters.signatureAlgorithms.join(':')
  return createSecureContext(options)
}
