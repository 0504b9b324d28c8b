// Tells addresses from names.
import { isIP } from 'node:net'

export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0
}

export function isCidr(text: string): boolean {
  const [address, bits, ...rest] = text.split('/')
  const version = isIP(address ?? '')
  return (
    version !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits ?? '') && Number(bits) <= (version === 4 ? 32 : 128)
  )
}
