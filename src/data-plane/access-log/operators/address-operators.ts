// Addresses of both connections, and parts of them.
import type { StreamInfo } from '../../stream-info.ts'
import { type Operator, orNull } from './operator.ts'

export const ADDRESS_OPERATORS: Readonly<Record<string, Operator>> = {
  UPSTREAM_HOST: info => orNull(info.upstreamHost),
  UPSTREAM_HOST_NAME: info => orNull(hostName(info)),
  UPSTREAM_HOST_NAME_WITHOUT_PORT: info => orNull(hostOf(hostName(info))),
  UPSTREAM_HOSTS_ATTEMPTED: info => attempted(info, key),
  UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT: info => attempted(info, host => withoutPort(host.key)),
  UPSTREAM_HOST_NAMES_ATTEMPTED: info => attempted(info, host => host.hostname || host.key),
  UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT: info => attempted(info, host => hostOf(host.hostname || host.key)),
  UPSTREAM_LOCAL_ADDRESS: info => orNull(upstreamLocal(info)),
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: info => orNull(withoutPort(upstreamLocal(info))),
  UPSTREAM_LOCAL_PORT: info => portOf(upstreamLocal(info)),
  UPSTREAM_REMOTE_ADDRESS: info => orNull(connectedHost(info)),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: info => orNull(withoutPort(connectedHost(info))),
  UPSTREAM_REMOTE_PORT: info => portOf(connectedHost(info)),
  UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID: info => endpointId(connectedHost(info)),
  DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID: info => endpointId(info.connection.localAddress),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID: info => endpointId(info.connection.directLocalAddress),
  DOWNSTREAM_LOCAL_ADDRESS: info => info.connection.localAddress,
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: info => withoutPort(info.connection.localAddress),
  DOWNSTREAM_LOCAL_PORT: info => info.connection.localPort,
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS: info => info.connection.directLocalAddress,
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT: info => withoutPort(info.connection.directLocalAddress),
  DOWNSTREAM_DIRECT_LOCAL_PORT: info => portOf(info.connection.directLocalAddress),
  DOWNSTREAM_REMOTE_ADDRESS: clientAddress,
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: info =>
    info.clientIp || info.connection.remoteIp || info.connection.remoteAddress,
  DOWNSTREAM_REMOTE_PORT: info => portOf(clientAddress(info)),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: info => info.connection.directRemoteAddress,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: info =>
    info.connection.directRemoteIp || info.connection.directRemoteAddress,
  DOWNSTREAM_DIRECT_REMOTE_PORT: info => portOf(info.connection.directRemoteAddress),
}

function upstreamLocal({ upstream }: StreamInfo): string {
  return upstream === null ? '' : upstream.localAddress
}

/** The host was chosen; an address it has once there is a connection. */
function connectedHost(info: StreamInfo): string {
  return upstreamLocal(info) === '' ? '' : info.upstreamHost
}

/** Of an endpoint without a name the address stands for it. */
function hostName({ upstreamHost, upstreamHostname }: StreamInfo): string {
  return upstreamHostname || upstreamHost
}

const key = (host: { readonly key: string }): string => host.key

function attempted(
  { record }: StreamInfo,
  read: (host: { readonly key: string; readonly hostname: string }) => string,
): string | null {
  return record === null ? null : orNull(record.hosts.map(read).join(','))
}

/** A client of whom a proxy before this one has told has no port. */
function clientAddress({ clientIp, connection }: StreamInfo): string {
  if (clientIp === '') return connection.remoteAddress
  return clientIp.includes(':') ? `[${clientIp}]:0` : `${clientIp}:0`
}

/** Of internal addresses, `envoy://LISTENER/ID`; empty for others, null where there is none at all. */
function endpointId(address: string): string | null {
  if (address === '') return null
  return address.startsWith('envoy://') ? address.slice(address.indexOf('/', 8) + 1) : ''
}

/** Internal addresses have none. */
function colonBeforePort(address: string): number {
  return address.startsWith('envoy://') ? -1 : address.lastIndexOf(':')
}

function withoutPort(address: string): string {
  const colon = colonBeforePort(address)
  if (colon < 0) return address
  return address.startsWith('[') ? address.slice(1, colon - 1) : address.slice(0, colon)
}

/** A name keeps its brackets, as Envoy's stripPortFromHost has it. */
function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':')
  if (colon < 0 || authority.endsWith(']')) return authority
  // Two colons without brackets: an address of IPv6, which has no port.
  if (!authority.startsWith('[') && authority.indexOf(':') !== colon) return authority
  return authority.slice(0, colon)
}

function portOf(address: string): number | null {
  const colon = colonBeforePort(address)
  return colon < 0 ? null : Number(address.slice(colon + 1))
}
