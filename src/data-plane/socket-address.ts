// A TCP address of config: where a listener or the admin port is bound, or an endpoint is found.
import { type Address, SocketAddressSchema } from '../xds/generated/envoy/config/core/v3/address_pb.ts'
import type { ResourceCheck } from '../xds/resource-check.ts'

export interface SocketPlace {
  readonly address: string
  readonly port: number
  /** `::` takes IPv4 connections, too. */
  readonly ipv4Compat: boolean
}

const FIELDS = new Set(['protocol', 'address', 'port_value', 'ipv4_compat'])

/** Null, with the reasons reported, where there is none. */
export function readSocketAddress(
  message: Address | undefined,
  path: string,
  check: ResourceCheck,
): SocketPlace | null {
  if (message?.address.case !== 'socketAddress') {
    check.error(path, 'must be a socket_address')
    return null
  }
  const { value } = message.address
  const at = `${path}.socket_address`
  check.honour(SocketAddressSchema, value, at, FIELDS)
  if (value.protocol !== 0) check.unsupported(`${at}.protocol`, 'only TCP is supported')
  if (value.address === '') check.error(`${at}.address`, 'is required')
  if (value.portSpecifier.case !== 'portValue') {
    check.error(at, 'port_value is required')
    return null
  }
  const port = value.portSpecifier.value
  if (port > 65_535) check.error(`${at}.port_value`, 'is not a port')
  return { address: value.address, port, ipv4Compat: value.ipv4Compat }
}
