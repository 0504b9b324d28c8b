// Address ranges: 10.0.0.0/8, fd00::/8.
import { BlockList, isIP } from 'node:net'

export interface Cidr {
  readonly address: string
  readonly prefixLength: number
  contains(address: string): boolean
}

/** Null when the address is none, or the length does not fit its family. */
export function parseCidr(address: string, prefixLength: number): Cidr | null {
  const family = isIP(address)
  if (family === 0 || !Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > (family === 4 ? 32 : 128)) {
    return null
  }
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(address, prefixLength, type)
  // Node's list has IPv4 addresses in ranges of IPv6, and the other way round: a rule for ::/0 would be about all of them.
  return { address, prefixLength, contains: other => isIP(other) === family && list.check(other, type) }
}
