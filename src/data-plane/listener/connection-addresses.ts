// The two ends of a downstream connection, as its socket has them, or as a PROXY header announces them.
import { isIP, isIPv6, type Socket } from 'node:net'
import type { ProxyAddresses } from '../../transport/proxy-protocol/proxy-addresses.ts'
import { INTERNAL_CLIENT, InternalSocket } from '../internal-listener/internal-socket.ts'

export interface ConnectionAddresses {
  /** `127.0.0.1:8080`, `[::1]:8080` */
  readonly localAddress: string
  readonly localIp: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remoteIp: string
  readonly remotePort: number
}

/** In Envoy an internal connection has no IP address at either end, but for what it carries. */
export function socketAddresses(socket: Socket): ConnectionAddresses {
  if (socket instanceof InternalSocket) return internalAddresses(socket)
  return between(
    plainIp(socket.remoteAddress ?? ''),
    socket.remotePort ?? 0,
    plainIp(socket.localAddress ?? ''),
    socket.localPort ?? 0,
  )
}

function internalAddresses({ destination, carried }: InternalSocket): ConnectionAddresses {
  const local = parseAddress(destination.slice(destination.lastIndexOf('/') + 1))
  const addresses = { localAddress: destination, localIp: '', localPort: 0 }
  if (carried === null || local === null)
    return { ...addresses, remoteAddress: INTERNAL_CLIENT, remoteIp: '', remotePort: 0 }
  const { remoteAddress, remoteIp } = carried
  return {
    localAddress: withPort(local.ip, local.port),
    localIp: local.ip,
    localPort: local.port,
    remoteAddress,
    remoteIp,
    remotePort: Number(remoteAddress.slice(remoteAddress.lastIndexOf(':') + 1)),
  }
}

/** `127.0.0.1:80`, `[::1]:80`. */
function parseAddress(text: string): { readonly ip: string; readonly port: number } | null {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, Math.max(0, colon))
  const ip = host.startsWith('[') ? host.slice(1, -1) : host
  const port = Number(text.slice(colon + 1))
  return isIP(ip) !== 0 && Number.isInteger(port) && port > 0 ? { ip, port } : null
}

export function announcedAddresses(announced: ProxyAddresses): ConnectionAddresses {
  return between(announced.sourceIp, announced.sourcePort, announced.destinationIp, announced.destinationPort)
}

function between(remoteIp: string, remotePort: number, localIp: string, localPort: number): ConnectionAddresses {
  return {
    localIp,
    localPort,
    remoteIp,
    remotePort,
    localAddress: withPort(localIp, localPort),
    remoteAddress: withPort(remoteIp, remotePort),
  }
}

/** A dual-stack socket shows IPv4 peers as ::ffff:10.0.0.1. */
function plainIp(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function withPort(ip: string, port: number): string {
  return isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`
}
