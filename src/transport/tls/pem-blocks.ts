// What of a PEM text is for every eye: certificates, and lists of revoked ones. A key that lies in the same file is neither.
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g
/** OpenSSL knows the armour of RFC 7468 by this label alone. */
const REVOCATION_LIST = /-----BEGIN X509 CRL-----[A-Za-z0-9+/=\s]+-----END X509 CRL-----/g
const CERTIFICATE_BEGINS = '-----BEGIN CERTIFICATE-----'
const REVOCATION_LIST_BEGINS = '-----BEGIN X509 CRL-----'

/** One to a block. Throws when one of them is not whole, as of a file that is still being written. */
export function certificatesOf(pem: string): readonly string[] {
  return blocksOf(pem, CERTIFICATE, CERTIFICATE_BEGINS)
}

/** Of a text that is there for its certificates. Throws when it has none, or one that cannot be read. */
export function requireCertificates(pem: string): readonly string[] {
  const blocks = certificatesOf(pem)
  if (blocks.length === 0) throw new Error(`no certificate, which begins with ${CERTIFICATE_BEGINS}`)
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block)
    } catch {
      throw new Error(`certificate ${index + 1} of ${blocks.length} cannot be read`)
    }
  }
  return blocks
}

/** The same of lists of revoked certificates. */
export function revocationsOf(pem: string): readonly string[] {
  return blocksOf(pem, REVOCATION_LIST, REVOCATION_LIST_BEGINS)
}

/** Of a text that is there for its lists. Throws when it has none, or one that OpenSSL cannot read: that would revoke nothing. */
export function requireRevocations(pem: string): readonly string[] {
  const lists = revocationsOf(pem)
  if (lists.length === 0)
    throw new Error(`no list of revoked certificates, which begins with ${REVOCATION_LIST_BEGINS}`)
  createSecureContext({ crl: [...lists] })
  return lists
}

function blocksOf(pem: string, block: RegExp, begins: string): readonly string[] {
  const blocks = pem.match(block) ?? []
  if (pem.split(begins).length - 1 > blocks.length) throw new Error(`a block of ${begins} is not whole`)
  return blocks.map(text => `${text}\n`)
}
