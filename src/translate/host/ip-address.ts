// Tells addresses from names.
import { type Cidr, parseCidr } from '../../base/cidr.ts'

export function isIpAddress(text: string): boolean {
  return parseCidr(text, 0) !== null
}

export function isCidr(text: string): boolean {
  const [address, bits, ...rest] = text.split('/')
  return rest.length === 0 && /^\d{1,3}$/.test(bits ?? '') && parseCidr(address ?? '', Number(bits)) !== null
}

/** A CIDR, or an address as the range of itself; null when it is neither. */
export function cidrOf(text: string): Cidr | null {
  const [address, bits] = text.split('/')
  return parseCidr(address ?? '', bits === undefined ? (text.includes(':') ? 128 : 32) : Number(bits))
}
