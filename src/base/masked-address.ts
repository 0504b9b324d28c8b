// An address's range as Envoy's masked_remote_address writes it: `10.1.2.0/24`, `2001:db8::/64` (RFC 5952).
import { isIP } from 'node:net'

/** Of the address under way; addresses are never masked two at a time. */
const GROUPS: number[] = [0, 0, 0, 0, 0, 0, 0, 0]

/** What is no address stays as it is. */
export function maskedAddress(address: string, v4Bits: number, v6Bits: number): string {
  switch (isIP(address)) {
    case 4:
      return `${maskedV4(address, v4Bits)}/${v4Bits}`
    case 6:
      readV6(address)
      maskGroups(v6Bits)
      return `${writeV6()}/${v6Bits}`
    default:
      return address
  }
}

function maskedV4(address: string, bits: number): string {
  const masked = bits === 0 ? 0 : readV4(address, 0) & (-1 << (32 - bits))
  return `${masked >>> 24}.${(masked >>> 16) & 255}.${(masked >>> 8) & 255}.${masked & 255}`
}

function readV4(text: string, start: number): number {
  let value = 0
  let part = 0
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 46) {
      value = (value << 8) | part
      part = 0
    } else part = part * 10 + code - 48
  }
  return (value << 8) | part
}

/** Into GROUPS. A zone (`%eth0`) is no part of the address. */
function readV6(address: string): void {
  const zone = address.indexOf('%')
  const text = zone < 0 ? address : address.slice(0, zone)
  GROUPS.fill(0)
  let count = 0
  let gap = -1
  let start = 0
  while (start < text.length) {
    if (text.charCodeAt(start) === 58) {
      // The second colon of `::`; the first ended the group before, or stands at the start.
      if (start === 0) start++
      gap = count
      start++
      continue
    }
    const colon = text.indexOf(':', start)
    if (colon < 0 && text.indexOf('.', start) >= 0) {
      const v4 = readV4(text, start)
      GROUPS[count++] = v4 >>> 16
      GROUPS[count++] = v4 & 0xffff
      break
    }
    const end = colon < 0 ? text.length : colon
    GROUPS[count++] = Number.parseInt(text.slice(start, end), 16)
    start = end + 1
  }
  if (gap < 0) return
  // What was read behind the gap belongs to the end.
  for (let i = 1; i <= count - gap; i++) {
    GROUPS[8 - i] = GROUPS[count - i]!
    if (count - i < 8 - (count - gap)) GROUPS[count - i] = 0
  }
}

function maskGroups(bits: number): void {
  for (let i = 0; i < 8; i++) {
    const kept = Math.min(16, Math.max(0, bits - i * 16))
    GROUPS[i] = GROUPS[i]! & (0xffff << (16 - kept)) & 0xffff
  }
}

/** RFC 5952 section 4: the longest run of zeros, of two groups at least, and the first of several, is `::`. */
function writeV6(): string {
  let gap = -1
  let gapLength = 1
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && GROUPS[end] === 0) end++
    if (end - i > gapLength) {
      gap = i
      gapLength = end - i
    }
    if (end > i) i = end - 1
  }
  let text = ''
  for (let i = 0; i < 8; i++) {
    if (i === gap) {
      text += '::'
      i += gapLength - 1
    } else text += `${text === '' || text.endsWith(':') ? '' : ':'}${GROUPS[i]!.toString(16)}`
  }
  return text
}
