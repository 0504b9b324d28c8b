// CommonTlsContext, compiled: what both directions of TLS share, with secrets looked up by name for each connection.
import { X509Certificate } from 'node:crypto'
import type { SecureContext } from 'node:tls'
import { type CertificateDetails, leafOf } from '../../transport/tls/certificate-details.ts'
import type { CertificatePins, PeerRequirements, SanMatcher } from '../../transport/tls/peer-verification.ts'
import { requireCertificates, requireRevocations, revocationsOf } from '../../transport/tls/pem-blocks.ts'
import { type KeyPair, requireKeyPair, sharedSecureContext } from '../../transport/tls/secure-context.ts'
import type { TlsParameters } from '../../transport/tls/tls-parameters.ts'
import type { DataSource } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  type CertificateValidationContext,
  CertificateValidationContextSchema,
  type TlsCertificate,
  TlsCertificateSchema,
  CertificateValidationContext_TrustChainVerification as TrustChainVerification,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/common_pb.ts'
import {
  type CommonTlsContext,
  CommonTlsContextSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { compileSanMatcher, compileUntypedSanMatcher } from './san-matchers.ts'
import type { SecretSource } from './secret-store.ts'
import { compileApplicationProtocols, compileTlsParameters } from './tls-parameters-config.ts'

type Secret<T> = { readonly name: string } | { readonly value: T }

export interface TlsContextConfig {
  readonly parameters: TlsParameters
  /** One for each kind of key. */
  readonly keyPairs: readonly Secret<KeyPair>[]
  readonly trustedCa: Secret<string> | null
  readonly verifyChain: boolean
  readonly sans: readonly SanMatcher[]
  readonly pins: CertificatePins | null
  readonly applicationProtocols: readonly string[]
  /** SDS names without which no connection can be made. */
  readonly secretNames: readonly string[]
}

type Validation = Pick<TlsContextConfig, 'trustedCa' | 'verifyChain' | 'sans' | 'pins'>

const NO_VALIDATION: Validation = { trustedCa: null, verifyChain: false, sans: [], pins: null }
const COMMON_FIELDS = new Set([
  'tls_params',
  'tls_certificates',
  'tls_certificate_sds_secret_configs',
  'validation_context',
  'validation_context_sds_secret_config',
  'combined_validation_context',
  'alpn_protocols',
])
const VALIDATION_FIELDS = new Set([
  'trusted_ca',
  'crl',
  'match_typed_subject_alt_names',
  'match_subject_alt_names',
  'trust_chain_verification',
  'verify_certificate_hash',
  'verify_certificate_spki',
])

export function compileTlsContext(context: CommonTlsContext, path: string, check: ResourceCheck): TlsContextConfig {
  check.honour(CommonTlsContextSchema, context, path, COMMON_FIELDS)
  const keyPairs = compileKeyPairs(context, path, check)
  const validation = compileValidation(context, path, check)
  if (validation.sans.length > 0 && validation.trustedCa === null) {
    check.error(path, 'SAN-based verification of peer certificates without trusted CA is insecure and not allowed')
  }
  const secrets = [...keyPairs, ...(validation.trustedCa ? [validation.trustedCa] : [])]
  return {
    parameters: compileTlsParameters(context.tlsParams, `${path}.tls_params`, check),
    keyPairs,
    ...validation,
    applicationProtocols: compileApplicationProtocols(context.alpnProtocols, `${path}.alpn_protocols`, check),
    secretNames: secrets.flatMap(secret => ('name' in secret ? [secret.name] : [])),
  }
}

function compileKeyPairs(context: CommonTlsContext, path: string, check: ResourceCheck): readonly Secret<KeyPair>[] {
  const named = context.tlsCertificateSdsSecretConfigs.map(({ name }, index) => {
    if (name === '') check.error(`${path}.tls_certificate_sds_secret_configs[${index}].name`, 'is required')
    return { name }
  })
  // Envoy takes one or the other: the names.
  if (named.length > 0) return named
  const before = check.problems.length
  const keyPairs = context.tlsCertificates.map((inline, index) =>
    compileInlineKeyPair(inline, `${path}.tls_certificates[${index}]`, check),
  )
  if (check.problems.length === before) refuseTwoOfAKind(keyPairs, path, check)
  return keyPairs.map(value => ({ value }))
}

/** Of several certificates with one kind of key Envoy shows the one that has the server name; OpenSSL would the last. */
function refuseTwoOfAKind(keyPairs: readonly KeyPair[], path: string, check: ResourceCheck): void {
  const kinds = new Set<string | undefined>()
  for (const [index, { certificateChain }] of keyPairs.entries()) {
    const kind = new X509Certificate(requireCertificates(certificateChain)[0]!).publicKey.asymmetricKeyType
    if (kinds.has(kind)) check.unsupported(`${path}.tls_certificates[${index}]`, `is the second with a key of ${kind}`)
    kinds.add(kind)
  }
}

function compileInlineKeyPair(message: TlsCertificate, path: string, check: ResourceCheck): KeyPair {
  check.honour(TlsCertificateSchema, message, path, new Set(['certificate_chain', 'private_key']))
  const certificateChain = readDataSource(message.certificateChain, `${path}.certificate_chain`, check)
  const privateKey = readDataSource(message.privateKey, `${path}.private_key`, check)
  const keyPair = { certificateChain, privateKey }
  const readable =
    certificateChain !== '' && attempt(`${path}.certificate_chain`, check, () => requireCertificates(certificateChain))
  if (readable && privateKey !== '') attempt(`${path}.private_key`, check, () => requireKeyPair(keyPair))
  return keyPair
}

/** What is no use for TLS is a problem of the config, not of each connection. */
function attempt(path: string, check: ResourceCheck, use: () => void): boolean {
  try {
    use()
    return true
  } catch (error) {
    check.error(path, (error as Error).message)
    return false
  }
}

function compileValidation(context: CommonTlsContext, path: string, check: ResourceCheck): Validation {
  const type = context.validationContextType
  switch (type.case) {
    case 'validationContext':
      return compileValidationContext(type.value, `${path}.validation_context`, check)
    case 'validationContextSdsSecretConfig':
      return { ...NO_VALIDATION, trustedCa: { name: type.value.name }, verifyChain: true }
    case 'combinedValidationContext': {
      // Envoy merges the secret into the default: the trusted CA comes by SDS, the SANs from the config.
      const { defaultValidationContext: own, validationContextSdsSecretConfig: secret } = type.value
      const at = `${path}.combined_validation_context`
      const base = own ? compileValidationContext(own, `${at}.default_validation_context`, check) : NO_VALIDATION
      if (own?.crl) check.unsupported(`${at}.default_validation_context.crl`, 'goes with trusted_ca, into the secret')
      if (!secret?.name) check.error(`${at}.validation_context_sds_secret_config.name`, 'is required')
      return { ...base, trustedCa: { name: secret?.name ?? '' }, verifyChain: own ? acceptsOnlyTrusted(own) : true }
    }
    case undefined:
      return NO_VALIDATION
    default:
      return NO_VALIDATION
  }
}

function acceptsOnlyTrusted(message: CertificateValidationContext): boolean {
  return message.trustChainVerification !== TrustChainVerification.ACCEPT_UNTRUSTED
}

function compileValidationContext(
  message: CertificateValidationContext,
  path: string,
  check: ResourceCheck,
): Validation {
  check.honour(CertificateValidationContextSchema, message, path, VALIDATION_FIELDS)
  const sans: SanMatcher[] = []
  for (const [index, matcher] of message.matchTypedSubjectAltNames.entries()) {
    const compiled = compileSanMatcher(matcher, `${path}.match_typed_subject_alt_names[${index}]`, check)
    if (compiled) sans.push(compiled)
  }
  for (const [index, matcher] of message.matchSubjectAltNames.entries()) {
    const compiled = compileUntypedSanMatcher(matcher, `${path}.match_subject_alt_names[${index}]`, check)
    if (compiled) sans.push(compiled)
  }
  const pins = compilePins(message, path, check)
  if (message.crl && !message.trustedCa) check.error(`${path}.crl`, 'needs trusted_ca')
  if (!message.trustedCa) return { trustedCa: null, verifyChain: false, sans, pins }
  const authorities = readDataSource(message.trustedCa, `${path}.trusted_ca`, check)
  if (authorities !== '') attempt(`${path}.trusted_ca`, check, () => requireCertificates(authorities))
  const value = message.crl ? `${authorities}\n${readRevocations(message.crl, `${path}.crl`, check)}` : authorities
  return { trustedCa: { value }, verifyChain: acceptsOnlyTrusted(message), sans, pins }
}

function compilePins(
  message: CertificateValidationContext,
  path: string,
  check: ResourceCheck,
): CertificatePins | null {
  const { verifyCertificateHash: hashes, verifyCertificateSpki: keys } = message
  if (hashes.length + keys.length === 0) return null
  // Envoy takes the hex with colons and without, and base64 in its one spelling.
  const certificates = hashes.map(hash => hash.replaceAll(':', '').toLowerCase())
  for (const [index, hash] of certificates.entries())
    if (!/^[0-9a-f]{64}$/.test(hash))
      check.error(`${path}.verify_certificate_hash[${index}]`, 'is not a SHA-256 in hex')
  for (const [index, key] of keys.entries())
    if (Buffer.from(key, 'base64').length !== 32 || key.length !== 44)
      check.error(`${path}.verify_certificate_spki[${index}]`, 'is not a SHA-256 in base64')
  return { certificates: new Set(certificates), publicKeys: new Set(keys) }
}

function readRevocations(source: DataSource, path: string, check: ResourceCheck): string {
  const text = readDataSource(source, path, check)
  // A certificate that stands beside the lists is no authority.
  if (text !== '' && attempt(path, check, () => requireRevocations(text))) return revocationsOf(text).join('')
  return ''
}

/** Inline only: a control plane has no business naming files of this machine. Empty when there was a problem, noted. */
function readDataSource(source: DataSource | undefined, path: string, check: ResourceCheck): string {
  const specifier = source?.specifier
  if (specifier?.case === 'inlineString' || specifier?.case === 'inlineBytes') {
    if (specifier.value.length === 0) check.error(path, 'is empty')
    return Buffer.from(specifier.value).toString('utf8')
  }
  if (specifier?.case) check.unsupported(`${path}.${specifier.case}`, 'only inline data is taken')
  else check.error(path, 'is required')
  return ''
}

/** What a context shows its peers, and whom it trusts. */
export interface TlsMaterial {
  readonly keyPairs: readonly KeyPair[]
  /** PEM; null: nobody. */
  readonly trustedCa: string | null
}

export interface ReadyContext {
  readonly context: SecureContext
  /** First URI SAN of the certificate shown to peers; empty without. */
  readonly localUriSan: string
  /** That certificate; null without. */
  readonly ownCertificate: CertificateDetails | null
}

/** A config with its secrets: makes the OpenSSL context on first use, and anew when a secret has changed. */
export class TlsContext {
  readonly config: TlsContextConfig
  readonly #secrets: SecretSource
  #keyPairs: readonly KeyPair[] = []
  #trustedCa: string | undefined
  #ready: ReadyContext | null = null

  constructor(config: TlsContextConfig, secrets: SecretSource) {
    this.config = config
    this.#secrets = secrets
  }

  /** What it has as yet. */
  get material(): TlsMaterial {
    return { keyPairs: this.#presentKeyPairs(), trustedCa: this.#presentCa() ?? null }
  }

  #presentKeyPairs(): readonly KeyPair[] {
    return this.config.keyPairs.flatMap(reference => resolve(reference, name => this.#secrets.keyPair(name)) ?? [])
  }

  #presentCa(): string | undefined {
    const { trustedCa } = this.config
    return trustedCa ? resolve(trustedCa, name => this.#secrets.trustedCa(name)) : undefined
  }

  /** Null while a secret is missing. Throws OpenSSL's error when a secret is unusable. */
  current(): ReadyContext | null {
    const { keyPairs: wanted, trustedCa: caReference, parameters } = this.config
    const keyPairs = this.#presentKeyPairs()
    const trustedCa = this.#presentCa()
    if (keyPairs.length < wanted.length || (caReference && trustedCa === undefined)) return null
    if (this.#ready === null || !same(keyPairs, this.#keyPairs) || trustedCa !== this.#trustedCa) {
      const context = sharedSecureContext({ parameters, keyPairs, trustedCa: trustedCa ?? null })
      const ownCertificate = keyPairs[0] ? leafOf(keyPairs[0].certificateChain) : null
      this.#ready = { context, localUriSan: ownCertificate?.names.uris[0] ?? '', ownCertificate }
      this.#keyPairs = keyPairs
      this.#trustedCa = trustedCa
    }
    return this.#ready
  }

  peerRequirements(certificateRequired: boolean): PeerRequirements {
    const { verifyChain, trustedCa, sans, pins } = this.config
    return { certificateRequired, verifyChain, trustsAuthority: trustedCa !== null, sans, pins }
  }
}

function same(a: readonly KeyPair[], b: readonly KeyPair[]): boolean {
  return a.length === b.length && a.every((keyPair, index) => keyPair === b[index])
}

function resolve<T>(secret: Secret<T>, find: (name: string) => T | undefined): T | undefined {
  return 'name' in secret ? find(secret.name) : secret.value
}
