// Checks a peer's certificate as Envoy's default validator does: chain against the trusted CA, the SAN matchers, then the pins.
import { createHash, type X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { CertificateDetails, distinguishedName } from './certificate-details.ts'
import { readSubjectAltNames, type SubjectAltNames } from './subject-alt-names.ts'

/** True when one of the certificate's names is among those wanted. */
export type SanMatcher = (names: SubjectAltNames) => boolean

export interface PeerRequirements {
  /** False: a peer that sends no certificate is let in, without an identity. */
  readonly certificateRequired: boolean
  /** False: no trusted CA was configured (Envoy then takes any certificate). */
  readonly verifyChain: boolean
  /** There is one, by which certificates are judged even where any is taken (ACCEPT_UNTRUSTED). */
  readonly trustsAuthority?: boolean
  /** One of them must match; none: any name will do. */
  readonly sans: readonly SanMatcher[]
  /** Must match, too; absent or null: nothing more is asked. */
  readonly verifiedName?: SanMatcher | null
  /** Null: any certificate that is good otherwise. */
  readonly pins: CertificatePins | null
}

/** The leaf must be one of these certificates, or have one of these keys. */
export interface CertificatePins {
  /** Lower-case hex SHA-256 of the DER certificate. */
  readonly certificates: ReadonlySet<string>
  /** Base64 SHA-256 of the DER SubjectPublicKeyInfo, as RFC 7469 has it. */
  readonly publicKeys: ReadonlySet<string>
}

export interface VerifiedPeer {
  /** First URI SAN; empty when there is none. */
  readonly uriSan: string
  readonly dnsSans: readonly string[]
  /** RFC 2253. */
  readonly subject: string
  /** Hex SHA-256 of the DER certificate. */
  readonly sha256: string
  /** Checked against a trusted CA or a pin, not just taken. */
  readonly validated: boolean
  /** All that can be told of it. */
  readonly details: CertificateDetails
}

export type PeerVerdict =
  | { readonly ok: true; readonly peer: VerifiedPeer | null }
  | { readonly ok: false; readonly reason: 'no-certificate' | 'chain' | 'san' | 'pin'; readonly detail: string }

/**
 * Judges a finished handshake. Runs for every connection; there is no resumption (secure-context.ts), so that a session
 * made under older rules cannot bring its verdict along.
 */
export function verifyPeer(socket: TLSSocket, requirements: PeerRequirements): PeerVerdict {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) {
    if (!requirements.certificateRequired) return { ok: true, peer: null }
    return { ok: false, reason: 'no-certificate', detail: 'peer did not return a certificate' }
  }
  if (requirements.verifyChain) {
    const failure = chainFailure(socket)
    if (failure !== null) return { ok: false, reason: 'chain', detail: failure }
  }
  const names = readSubjectAltNames(certificate.raw)
  const { sans, verifiedName } = requirements
  if ((sans.length > 0 && !sans.some(matches => matches(names))) || (verifiedName && !verifiedName(names))) {
    return { ok: false, reason: 'san', detail: 'verify SAN list' }
  }
  const isTrusted = requirements.verifyChain || (requirements.trustsAuthority === true && chainFailure(socket) === null)
  const validated = isTrusted || requirements.pins !== null
  const peer = describe(certificate, names, validated)
  if (requirements.pins && !isPinned(requirements.pins, certificate, peer)) {
    return { ok: false, reason: 'pin', detail: 'verify certificate hash' }
  }
  return { ok: true, peer }
}

/** OpenSSL's own verdict on the chain; fails closed where Node should stop offering it. */
function chainFailure(socket: TLSSocket): string | null {
  const handle = (socket as unknown as { _handle: { verifyError?(): (Error & { code?: string }) | null } | null })
    ._handle
  if (typeof handle?.verifyError !== 'function') return 'verification result not available'
  const error = handle.verifyError()
  return error ? (error.code ?? error.message) : null
}

function isPinned(pins: CertificatePins, { publicKey }: X509Certificate, { sha256 }: VerifiedPeer): boolean {
  if (pins.certificates.has(sha256)) return true
  if (pins.publicKeys.size === 0) return false
  const key = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
  return pins.publicKeys.has(key)
}

function describe(certificate: X509Certificate, names: SubjectAltNames, validated: boolean): VerifiedPeer {
  return {
    uriSan: names.uris[0] ?? '',
    dnsSans: names.dnsNames,
    subject: distinguishedName(certificate.subject),
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    validated,
    details: new CertificateDetails(certificate),
  }
}
