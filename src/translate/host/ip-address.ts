// Tells addresses from names.
import { parseCidr } from '../../base/cidr.ts'

export function isIpAddress(text: string): boolean {
  return parseCidr(text, 0) !== null
}

export function isCidr(text: string): boolean {
  const [address, bits, ...rest] = text.split('/')
  return rest.length === 0 && /^\d{1,3}$/.test(bits ?? '') && parseCidr(address ?? '', Number(bits)) !== null
}
