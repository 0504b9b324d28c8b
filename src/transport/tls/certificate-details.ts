// What access logs and headers tell of a certificate, in Envoy's words. Read when somebody asks, and then kept: most
// connections are never asked.
import { X509Certificate } from 'node:crypto'
import { readSubjectAltNames, type SubjectAltNames } from './subject-alt-names.ts'

/** A bound on what a peer may have sent. */
const MAX_CHAIN = 16
const BEYOND_ASCII = /[\u{80}-\u{10ffff}]+/gu

export class CertificateDetails {
  readonly #certificate: X509Certificate
  #names: SubjectAltNames | null = null
  #chain: readonly CertificateDetails[] | null = null
  #pem: string | null = null
  #subject: string | null = null
  #issuer: string | null = null

  constructor(certificate: X509Certificate) {
    this.#certificate = certificate
  }

  get names(): SubjectAltNames {
    this.#names ??= readSubjectAltNames(this.#certificate.raw)
    return this.#names
  }

  /** RFC 2253, as the next. */
  get subject(): string {
    this.#subject ??= distinguishedName(this.#certificate.subject)
    return this.#subject
  }

  get issuer(): string {
    this.#issuer ??= distinguishedName(this.#certificate.issuer)
    return this.#issuer
  }

  /** Lower-case hex. */
  get serial(): string {
    return this.#certificate.serialNumber.toLowerCase()
  }

  get sha1(): string {
    return hex(this.#certificate.fingerprint)
  }

  get sha256(): string {
    return hex(this.#certificate.fingerprint256)
  }

  /** Epoch milliseconds; NaN where the certificate, which need not have been verified, says no time. */
  get validFrom(): number {
    return this.#certificate.validFromDate.getTime()
  }

  get validTo(): number {
    return this.#certificate.validToDate.getTime()
  }

  /** PEM, percent-encoded. */
  get pem(): string {
    this.#pem ??= encodeURIComponent(this.#certificate.toString())
    return this.#pem
  }

  /** As the peer sent it, this one first. */
  get chain(): readonly CertificateDetails[] {
    if (this.#chain !== null) return this.#chain
    const chain: CertificateDetails[] = [this]
    let issuer = this.#certificate.issuerCertificate
    while (issuer !== undefined && chain.length < MAX_CHAIN) {
      chain.push(new CertificateDetails(issuer))
      issuer = issuer.issuerCertificate
    }
    this.#chain = chain
    return chain
  }
}

/** The first certificate of a PEM file; null when there is none that can be read. */
export function leafOf(pem: string): CertificateDetails | null {
  try {
    return new CertificateDetails(new X509Certificate(pem))
  } catch {
    return null
  }
}

function hex(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase()
}

/**
 * Node prints one attribute a line, the most significant first, with what would end a value escaped already. The bytes of
 * what is not ASCII are written as `\C3` (RFC 2253 2.4), as OpenSSL does for Envoy: a name is ASCII wherever it is told.
 */
export function distinguishedName(lines: string | undefined): string {
  return (lines ?? '').split('\n').reverse().join(',').replace(BEYOND_ASCII, escapeBytes)
}

function escapeBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('hex').toUpperCase().replace(/../g, '\\$&')
}
