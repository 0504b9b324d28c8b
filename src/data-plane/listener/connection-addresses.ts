// The two ends of a downstream connection, as its socket has them, or as a PROXY header announces them.
import { isIPv6, type Socket } from 'node:net'
import type { ProxyAddresses } from '../../transport/proxy-protocol/proxy-addresses.ts'

export interface ConnectionAddresses {
  /** `127.0.0.1:8080`, `[::1]:8080` */
  readonly localAddress: string
  readonly localIp: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remoteIp: string
  readonly remotePort: number
}

export function socketAddresses(socket: Socket): ConnectionAddresses {
  return between(
    plainIp(socket.remoteAddress ?? ''),
    socket.remotePort ?? 0,
    plainIp(socket.localAddress ?? ''),
    socket.localPort ?? 0,
  )
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
