// OpenSSL's view of a TLS context: built when a secret or the config changes, used for the connections made after.
import { constants, createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { requireCertificates, revocationsOf } from './pem-blocks.ts'
import type { TlsParameters } from './tls-parameters.ts'

export interface KeyPair {
  /** PEM, the leaf first. */
  readonly certificateChain: string
  /** PEM. */
  readonly privateKey: string
}

export interface SecureContextMaterial {
  readonly parameters: TlsParameters
  /** One for each kind of key (RSA, ECDSA), of which the peer's algorithms choose. */
  readonly keyPairs: readonly KeyPair[]
  /** PEM certificates, and revocation lists where there are any; null: none, and then chains are not verified. */
  readonly trustedCa: string | null
}

const shared = new Map<string, WeakRef<SecureContext>>()
const forgotten = new FinalizationRegistry<string>(digest => {
  if (shared.get(digest)?.deref() === undefined) shared.delete(digest)
})

/** One context for the same material, whoever asks: each takes a millisecond to build, and memory. Throws as that does. */
export function sharedSecureContext(material: SecureContextMaterial): SecureContext {
  const digest = createHash('sha256').update(JSON.stringify(material)).digest('base64')
  const existing = shared.get(digest)?.deref()
  if (existing) return existing
  const context = buildSecureContext(material)
  shared.set(digest, new WeakRef(context))
  forgotten.register(context, digest)
  return context
}

/** Throws when the key is not the leaf's, or OpenSSL would use neither. */
export function requireKeyPair(keyPair: KeyPair): void {
  const { certificateChain, privateKey } = keyPair
  const [leaf = ''] = requireCertificates(certificateChain)
  let key: KeyObject
  try {
    key = createPrivateKey(privateKey)
  } catch {
    throw new Error('no private key, in PEM and without a password')
  }
  if (!new X509Certificate(leaf).checkPrivateKey(key)) throw new Error('key and certificate do not belong together')
  sharedSecureContext({ parameters: PLAIN_PARAMETERS, keyPairs: [keyPair], trustedCa: null })
}

const PLAIN_PARAMETERS: TlsParameters = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  cipherSuites: [],
  ecdhCurves: [],
  signatureAlgorithms: [],
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
    // Always a list: without one, or with an empty text, Node takes its built-in roots, and public authorities have no
    // say in a mesh.
    ca: trustedCa === null ? [] : [...requireCertificates(trustedCa)],
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
