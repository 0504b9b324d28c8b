// Subject alternative names, read from the certificate's DER (RFC 5280 4.2.1.6). Node offers them only as one printed
// string, and taking that apart has been the cause of more than one CVE; an identity is not read from prose.

export interface SubjectAltNames {
  readonly uris: readonly string[]
  readonly dnsNames: readonly string[]
  readonly emails: readonly string[]
  /** Dotted IPv4, or lower-case hex groups of IPv6. */
  readonly ipAddresses: readonly string[]
}

export const NO_SUBJECT_ALT_NAMES: SubjectAltNames = { uris: [], dnsNames: [], emails: [], ipAddresses: [] }

const SEQUENCE = 0x30
const OBJECT_IDENTIFIER = 0x06
const OCTET_STRING = 0x04
const EXTENSIONS = 0xa3
const RFC822_NAME = 0x81
const DNS_NAME = 0x82
const URI = 0x86
const IP_ADDRESS = 0x87
const SUBJECT_ALT_NAME_OID = Buffer.from([0x55, 0x1d, 0x11])

interface Element {
  readonly tag: number
  readonly body: Buffer
}

/** What the certificate is for; nothing when it has no such extension or cannot be read. Never throws. */
export function readSubjectAltNames(certificate: Buffer): SubjectAltNames {
  const extension = findExtension(certificate)
  const names = extension && elements(extension)[0]
  if (names?.tag !== SEQUENCE) return NO_SUBJECT_ALT_NAMES
  const uris: string[] = []
  const dnsNames: string[] = []
  const emails: string[] = []
  const ipAddresses: string[] = []
  for (const name of elements(names.body)) {
    if (name.tag === URI) uris.push(name.body.toString('latin1'))
    else if (name.tag === DNS_NAME) dnsNames.push(name.body.toString('latin1'))
    else if (name.tag === RFC822_NAME) emails.push(name.body.toString('latin1'))
    else if (name.tag === IP_ADDRESS) ipAddresses.push(formatAddress(name.body))
  }
  return { uris, dnsNames, emails, ipAddresses }
}

function findExtension(certificate: Buffer): Buffer | null {
  const outer = elements(certificate)[0]
  const toBeSigned = outer && elements(outer.body)[0]
  if (toBeSigned?.tag !== SEQUENCE) return null
  const holder = elements(toBeSigned.body).find(element => element.tag === EXTENSIONS)
  const list = holder && elements(holder.body)[0]
  if (!list) return null
  for (const extension of elements(list.body)) {
    const parts = elements(extension.body)
    const identifier = parts[0]
    if (identifier?.tag !== OBJECT_IDENTIFIER || !identifier.body.equals(SUBJECT_ALT_NAME_OID)) continue
    return parts.find(part => part.tag === OCTET_STRING)?.body ?? null
  }
  return null
}

/** The DER elements laid end to end; stops at the first that runs past the end. */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const tag = bytes[at]!
    let length = bytes[at + 1]!
    let start = at + 2
    if (length >= 0x80) {
      const lengthBytes = length & 0x7f
      if (lengthBytes === 0 || lengthBytes > 4 || start + lengthBytes > bytes.length) break
      length = bytes.readUIntBE(start, lengthBytes)
      start += lengthBytes
    }
    if (start + length > bytes.length) break
    found.push({ tag, body: bytes.subarray(start, start + length) })
    at = start + length
  }
  return found
}

function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups: string[] = []
  for (let at = 0; at + 2 <= bytes.length; at += 2) groups.push(bytes.readUInt16BE(at).toString(16))
  return groups.join(':')
}
