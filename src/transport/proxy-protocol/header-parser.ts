// Reads the PROXY header in front of a connection's bytes, versions 1 and 2 (haproxy.org, "The PROXY protocol", sections
// 2.1 and 2.2). Whoever connects may have written it: nothing is read beyond its bounds, and nothing lax is taken.
import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { type ProxyAddresses, V1_SIGNATURE, V2_FIXED_BYTES, V2_SIGNATURE } from './proxy-addresses.ts'
import { isTlvBlock } from './tlv-block.ts'

export type ProxyVersion = 1 | 2

export type ProxyHeader =
  /** So far it may be one of this version; another look is of use from `needed` bytes on. */
  | { readonly kind: 'incomplete'; readonly version: ProxyVersion; readonly needed: number }
  /** The bytes begin otherwise. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly version: ProxyVersion }
  | {
      readonly kind: 'header'
      readonly version: ProxyVersion
      /** Bytes that it takes. */
      readonly length: number
      /** Null for LOCAL and UNKNOWN: the connection is the sender's own, its addresses are right as they are. */
      readonly addresses: ProxyAddresses | null
      /** A TLV block, part of the bytes looked at. */
      readonly tlvs: Buffer
    }

/** The specification's bound, CRLF included. */
const V1_MAX_BYTES = 107
export const MAX_PROXY_HEADER_BYTES = V2_FIXED_BYTES + 0xffff

const V2_LOCAL = 0x20
const V2_PROXY = 0x21
const TCP_OVER_IPV4 = 0x11
const TCP_OVER_IPV6 = 0x21
const PORT = /^(0|[1-9][0-9]{0,4})$/
const NO_TLVS = Buffer.alloc(0)

/** Looks at the first bytes of a connection, at least one. Never throws, whatever they are. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsLike(bytes, V1_SIGNATURE)) return parseVersion1(bytes)
  if (beginsLike(bytes, V2_SIGNATURE)) return parseVersion2(bytes)
  return { kind: 'absent' }
}

function beginsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length)
  return bytes.compare(signature, 0, length, 0, length) === 0
}

function parseVersion1(bytes: Buffer): ProxyHeader {
  const malformed: ProxyHeader = { kind: 'malformed', version: 1 }
  const lineFeed = bytes.subarray(0, V1_MAX_BYTES).indexOf(10)
  if (lineFeed < 0) {
    if (bytes.length >= V1_MAX_BYTES) return malformed
    return { kind: 'incomplete', version: 1, needed: bytes.length + 1 }
  }
  if (bytes[lineFeed - 1] !== 13) return malformed
  const words = bytes.toString('latin1', V1_SIGNATURE.length, lineFeed - 1).split(' ')
  const length = lineFeed + 1
  // Whatever follows UNKNOWN is to be ignored.
  if (words[0] === 'UNKNOWN') return { kind: 'header', version: 1, length, addresses: null, tlvs: NO_TLVS }
  const addresses = words.length === 5 ? readWords(words) : null
  return addresses === null ? malformed : { kind: 'header', version: 1, length, addresses, tlvs: NO_TLVS }
}

function readWords([
  family = '',
  source = '',
  destination = '',
  sourcePort = '',
  destinationPort = '',
]: readonly string[]): ProxyAddresses | null {
  if (family !== 'TCP4' && family !== 'TCP6') return null
  if (!PORT.test(sourcePort) || !PORT.test(destinationPort)) return null
  return readAddresses(family === 'TCP4', source, Number(sourcePort), destination, Number(destinationPort))
}

function parseVersion2(bytes: Buffer): ProxyHeader {
  // Its signature is looked at byte by byte: what is none is known at once, and no client waits for the refusal.
  if (bytes.length < V2_SIGNATURE.length) return { kind: 'incomplete', version: 2, needed: bytes.length + 1 }
  if (bytes.length < V2_FIXED_BYTES) return { kind: 'incomplete', version: 2, needed: V2_FIXED_BYTES }
  const malformed: ProxyHeader = { kind: 'malformed', version: 2 }
  const command = bytes[12]!
  if (command !== V2_LOCAL && command !== V2_PROXY) return malformed
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14)
  const family = bytes[13]!
  const addressBytes = family === TCP_OVER_IPV4 ? 12 : family === TCP_OVER_IPV6 ? 36 : 0
  // What is neither TCP over IPv4 nor over IPv6 may be rejected (section 2.2), and is, as in Envoy.
  if (command === V2_PROXY && (addressBytes === 0 || length < V2_FIXED_BYTES + addressBytes)) return malformed
  if (bytes.length < length) return { kind: 'incomplete', version: 2, needed: length }
  if (command === V2_LOCAL) return { kind: 'header', version: 2, length, addresses: null, tlvs: NO_TLVS }
  const addresses = readBinary(bytes.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + addressBytes))
  const tlvs = bytes.subarray(V2_FIXED_BYTES + addressBytes, length)
  return addresses === null || !isTlvBlock(tlvs) ? malformed : { kind: 'header', version: 2, length, addresses, tlvs }
}

function readBinary(block: Buffer): ProxyAddresses | null {
  const size = (block.length - 4) / 2
  const text = size === 4 ? ipv4Text : ipv6Text
  return readAddresses(
    size === 4,
    text(block, 0),
    block.readUInt16BE(2 * size),
    text(block, size),
    block.readUInt16BE(2 * size + 2),
  )
}

function ipv4Text(block: Buffer, at: number): string {
  return `${block[at]}.${block[at + 1]}.${block[at + 2]}.${block[at + 3]}`
}

function ipv6Text(block: Buffer, at: number): string {
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) groups.push(block.readUInt16BE(at + i).toString(16))
  return groups.join(':')
}

function readAddresses(
  isVersion4: boolean,
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
): ProxyAddresses | null {
  const read = isVersion4 ? unicastIpv4 : unicastIpv6
  const sourceIp = read(source)
  const destinationIp = read(destination)
  if (sourceIp === null || destinationIp === null || sourcePort > 0xffff || destinationPort > 0xffff) return null
  return { sourceIp, sourcePort, destinationIp, destinationPort }
}

/** Null for what is no address of one host: nobody connects from there or to there. */
function unicastIpv4(text: string): string | null {
  if (!isIPv4(text) || text === '0.0.0.0' || text === '255.255.255.255') return null
  const first = Number(text.slice(0, text.indexOf('.')))
  return first >= 224 && first < 240 ? null : text
}

function unicastIpv6(text: string): string | null {
  // A zone means something on one machine only.
  if (!isIPv6(text) || text.includes('%')) return null
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  return address === '::' || address.startsWith('ff') ? null : address
}
