// The workload's key and its signing request (PKCS #10, RFC 2986). One request of one shape, so it is put together here:
// an ASN.1 library would stay in every proxy's memory for it.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'

/** DER, X.690: the tags that a request is made of. */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
  set: 0x31,
  /** [0] IMPLICIT attributes (RFC 2986, 4.1). */
  attributes: 0xa0,
  /** [6] IMPLICIT IA5String uniformResourceIdentifier (RFC 5280, 4.2.1.6). */
  uri: 0x86,
} as const

const VERSION_1 = element(TAG.integer, Buffer.of(0))
const NO_SUBJECT = element(TAG.sequence)
const TRUE = element(TAG.boolean, Buffer.of(0xff))
/** 1.2.840.113549.1.9.14 */
const EXTENSION_REQUEST = element(TAG.objectIdentifier, Buffer.from('2a864886f70d01090e', 'hex'))
/** 2.5.29.17 */
const SUBJECT_ALT_NAME = element(TAG.objectIdentifier, Buffer.from('551d11', 'hex'))
/** 1.2.840.10045.4.3.2, without parameters (RFC 5758, 3.2). */
const ECDSA_WITH_SHA256 = element(TAG.sequence, element(TAG.objectIdentifier, Buffer.from('2a8648ce3d040302', 'hex')))

/** A new ECDSA P-256 key, PKCS #8 PEM. */
export function generateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** A CSR (PEM) with the SPIFFE id as its only name, as Istio's agents send it. */
export function createCertificateRequest(keyPem: string, spiffeId: string): string {
  const key = createPrivateKey(keyPem)
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const info = element(TAG.sequence, VERSION_1, NO_SUBJECT, publicKey, element(TAG.attributes, nameRequest(spiffeId)))
  // A bit string begins with the number of bits that its last byte leaves unused.
  const signature = element(TAG.bitString, Buffer.of(0), sign('sha256', info, key))
  return toPem(element(TAG.sequence, info, ECDSA_WITH_SHA256, signature))
}

/** The attribute that asks for one extension: the name, critical because there is no subject (RFC 5280, 4.2.1.6). */
function nameRequest(uri: string): Buffer {
  const names = element(TAG.sequence, element(TAG.uri, Buffer.from(uri, 'latin1')))
  const extension = element(TAG.sequence, SUBJECT_ALT_NAME, TRUE, element(TAG.octetString, names))
  return element(TAG.sequence, EXTENSION_REQUEST, element(TAG.set, element(TAG.sequence, extension)))
}

function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content])
}

/** X.690, 8.1.3: below 128 in one byte, else the number of bytes that follow, and those. */
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length)
  return length <= 0xff ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 0xff)
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`
}
