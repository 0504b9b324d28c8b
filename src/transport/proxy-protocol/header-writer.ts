// Writes the PROXY header that tells an upstream whose connection it is about to see.
import { isIPv4, isIPv6 } from 'node:net'
import { type ProxyAddresses, V2_FIXED_BYTES, V2_SIGNATURE } from './proxy-addresses.ts'
import { fittingTlvs } from './tlv-block.ts'

const V1_UNKNOWN = Buffer.from('PROXY UNKNOWN\r\n', 'latin1')
/** Version 2, command LOCAL, no addresses. */
const V2_LOCAL = Buffer.from([...V2_SIGNATURE, 0x20, 0x00, 0x00, 0x00])

/** Null stands for the proxy's own connection, made for nobody. */
export function proxyHeaderV1(addresses: ProxyAddresses | null): Buffer {
  if (addresses === null) return V1_UNKNOWN
  const { sourcePort, destinationPort } = addresses
  const { family, source, destination } = oneFamily(addresses)
  return Buffer.from(`PROXY TCP${family} ${source} ${destination} ${sourcePort} ${destinationPort}\r\n`, 'latin1')
}

/** `tlvs`: a TLV block; what of it would not fit the header's 16-bit length is left out. */
export function proxyHeaderV2(addresses: ProxyAddresses | null, tlvs: Buffer): Buffer {
  if (addresses === null) return V2_LOCAL
  const { family, source, destination } = oneFamily(addresses)
  const size = family === 4 ? 4 : 16
  const addressBytes = 2 * size + 4
  const extra = fittingTlvs(tlvs, 0xffff - addressBytes)
  const header = Buffer.alloc(V2_FIXED_BYTES + addressBytes + extra.length)
  V2_SIGNATURE.copy(header)
  header[12] = 0x21
  header[13] = family === 4 ? 0x11 : 0x21
  header.writeUInt16BE(addressBytes + extra.length, 14)
  writeIp(header, V2_FIXED_BYTES, source)
  writeIp(header, V2_FIXED_BYTES + size, destination)
  const at = header.writeUInt16BE(addresses.sourcePort, V2_FIXED_BYTES + 2 * size)
  extra.copy(header, header.writeUInt16BE(addresses.destinationPort, at))
  return header
}

/** A header holds one family; where the two differ, IPv4 is written as IPv6 (RFC 4291 2.5.5.2). */
function oneFamily({ sourceIp, destinationIp }: ProxyAddresses): {
  readonly family: 4 | 6
  readonly source: string
  readonly destination: string
} {
  if (isIPv4(sourceIp) && isIPv4(destinationIp)) return { family: 4, source: sourceIp, destination: destinationIp }
  return { family: 6, source: mapped(sourceIp), destination: mapped(destinationIp) }
}

function mapped(ip: string): string {
  return isIPv6(ip) ? ip : `::ffff:${ip}`
}

function writeIp(header: Buffer, at: number, ip: string): void {
  if (isIPv4(ip)) {
    writeIpv4(header, at, ip)
    return
  }
  let text = ip
  const dot = ip.indexOf('.')
  if (dot >= 0) {
    const colon = ip.lastIndexOf(':')
    writeIpv4(header, at + 12, ip.slice(colon + 1))
    // The groups before the four bytes, which stand in the place of two groups.
    text = `${ip.slice(0, colon + 1)}${header.readUInt16BE(at + 12).toString(16)}:${header.readUInt16BE(at + 14).toString(16)}`
  }
  const [head = '', tail] = text.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  for (const [i, group] of first.entries()) header.writeUInt16BE(Number.parseInt(group, 16), at + 2 * i)
  for (const [i, group] of last.entries())
    header.writeUInt16BE(Number.parseInt(group, 16), at + 2 * (8 - last.length + i))
}

function writeIpv4(header: Buffer, at: number, ip: string): void {
  for (const [i, part] of ip.split('.').entries()) header[at + i] = Number(part)
}
