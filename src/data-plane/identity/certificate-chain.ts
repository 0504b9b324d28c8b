// A certificate as it came from the authority: taken apart, and checked before anyone relies on it.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { certificatesOf } from '../../transport/tls/pem-blocks.ts'
import { readSubjectAltNames } from '../../transport/tls/subject-alt-names.ts'

export interface CertificateChain {
  /** Leaf first, then intermediates, PEM; without the root, which peers have themselves. */
  readonly pem: string
  readonly spiffeId: string
  /** Epoch milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
  /** Hex. */
  readonly serialNumber: string
}

/** Reads a chain and checks that it belongs to the key and ends in the bundle. Throws an Error that says what is wrong. */
export function readCertificateChain(pem: string, keyPem: string, trustBundle: string): CertificateChain {
  const certificates = certificatesOf(pem).map(block => new X509Certificate(block))
  const leaf = certificates[0]
  if (!leaf) throw new Error('no certificate in the chain')
  if (!leaf.checkPrivateKey(createPrivateKey(keyPem))) throw new Error('the certificate is for another key')
  const roots = certificatesOf(trustBundle).map(block => new X509Certificate(block))
  const presented = certificates.filter((certificate, index) => index === 0 || !isSelfSigned(certificate))
  if (!endsInBundle(presented, roots)) throw new Error('the certificate is not signed by the trust bundle')
  const spiffeId = readSubjectAltNames(leaf.raw).uris[0]
  if (!spiffeId) throw new Error('the certificate carries no SPIFFE id')
  return {
    pem: presented.map(certificate => certificate.toString()).join(''),
    spiffeId,
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
    serialNumber: leaf.serialNumber,
  }
}

/** The certificates of a bundle, one line-ended PEM text. Throws when it holds none, or one that cannot be read. */
export function readTrustBundle(text: string): string {
  const blocks = certificatesOf(text)
  if (blocks.length === 0) throw new Error('no certificate in the trust bundle')
  return blocks.map(block => new X509Certificate(block).toString()).join('')
}

/** The bundle, and the roots among `certificates` that it does not hold yet. */
export function withRootsOf(trustBundle: string, certificates: string): string {
  const known = new Set(certificatesOf(trustBundle).map(block => new X509Certificate(block).fingerprint256))
  const added = certificatesOf(certificates)
    .map(block => new X509Certificate(block))
    .filter(certificate => isSelfSigned(certificate) && !known.has(certificate.fingerprint256))
  return trustBundle + added.map(certificate => certificate.toString()).join('')
}

function endsInBundle(chain: readonly X509Certificate[], roots: readonly X509Certificate[]): boolean {
  for (const [index, certificate] of chain.entries()) {
    if (roots.some(root => isIssuedBy(certificate, root))) return true
    const next = chain[index + 1]
    if (!next || !isIssuedBy(certificate, next)) return false
  }
  return false
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate)
}

/** `cluster.local` of a root that names its trust domain as `spiffe://cluster.local`; null when none of the bundle does. */
export function trustDomainOf(trustBundle: string): string | null {
  for (const block of certificatesOf(trustBundle)) {
    for (const uri of readSubjectAltNames(derOf(block)).uris) {
      const domain = /^spiffe:\/\/([a-z0-9._-]+)$/.exec(uri)?.[1]
      if (domain) return domain
    }
  }
  return null
}

function derOf(block: string): Buffer {
  return Buffer.from(block.replace(/-----[A-Z ]+-----/g, ''), 'base64')
}
