// The way of a new connection: limit, listener filters, filter chain match, TLS, network filter.
import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { VerifiedPeer } from '../../transport/tls/peer-verification.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import type { DetectedProtocol, ListenerFilter } from '../filters/listener/contract/listener-filter.ts'
import { LISTENER_FILTERS } from '../filters/listener/registry.ts'
import type { DownstreamTls, DownstreamTlsOutcome } from '../transport-socket/downstream-tls.ts'
import type { CompiledListener } from './compiled-listener.ts'
import type { FilterChain } from './filter-chain.ts'
import { findFilterChain } from './filter-chain-match.ts'
import type { ListenerStats } from './listener-stats.ts'
import { peek } from './peek.ts'
import { TLS_INSPECTOR } from './tls-inspector-config.ts'

/** The connections of the whole proxy, in any state; Envoy bounds them by its overload manager. */
export class DownstreamConnections {
  readonly max: number
  readonly open = new Set<Socket>()

  constructor(max: number) {
    this.max = max
  }

  destroyAll(): void {
    for (const socket of this.open) socket.destroy()
  }
}

export interface AcceptorHost {
  readonly clock: Clock
  readonly log: Log
  readonly connections: DownstreamConnections
  nextConnectionId(): number
}

interface Incoming {
  readonly socket: Socket
  readonly listener: CompiledListener
  readonly stats: ListenerStats
  readonly addresses: Addresses
  readonly detected: DetectedProtocol
}

interface Addresses {
  readonly localAddress: string
  readonly localIp: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remoteIp: string
  readonly remotePort: number
}

// Which chain takes a TLS connection may need no look at its bytes, but which protocol to announce does.
const clientHelloReader = LISTENER_FILTERS.get(TLS_INSPECTOR.typeUrl)!.compile(TLS_INSPECTOR, '')
const ignore = (): void => {}

export class ConnectionAcceptor {
  readonly #host: AcceptorHost

  constructor(host: AcceptorHost) {
    this.#host = host
  }

  accept(socket: Socket, listener: CompiledListener, stats: ListenerStats): void {
    // A reset may come while nobody owns the connection.
    socket.on('error', ignore)
    const { connections } = this.#host
    stats.cxTotal.value += 1
    if (connections.open.size >= connections.max && !listener.ignoresConnectionLimit) {
      stats.cxOverflow.value += 1
      socket.destroy()
      return
    }
    connections.open.add(socket)
    stats.cxActive.value += 1
    socket.once('close', () => {
      connections.open.delete(socket)
      stats.cxActive.value -= 1
      stats.cxDestroy.value += 1
    })
    const addresses = addressesOf(socket)
    const detected: DetectedProtocol = { transportProtocol: '', serverName: '', applicationProtocols: [] }
    const incoming: Incoming = { socket, listener, stats, addresses, detected }
    if (listener.inspectors.length === 0) this.#match(incoming, null)
    else this.#inspect(incoming, listener.inspectors, null, bytes => this.#match(incoming, bytes))
  }

  #inspect(
    incoming: Incoming,
    filters: readonly ListenerFilter[],
    readAhead: Buffer | null,
    next: (bytes: Buffer | null) => void,
  ): void {
    const { socket, listener, stats, detected } = incoming
    const waiting = new Set(filters)
    const decide = (bytes: Buffer): boolean => {
      for (const filter of waiting) {
        if (filter.inspect(bytes, detected) === 'done' || bytes.length >= filter.maxBytes) waiting.delete(filter)
      }
      return waiting.size === 0
    }
    if (readAhead !== null && decide(readAhead)) {
      next(readAhead)
      return
    }
    const maxBytes = Math.max(...filters.map(filter => filter.maxBytes))
    const options = { clock: this.#host.clock, timeoutMs: listener.inspectTimeoutMs, maxBytes, decide }
    peek(socket, options, (end, bytes) => {
      if (end === 'timeout') stats.preCxTimeout.value += 1
      if (end === 'closed' || (end === 'timeout' && !listener.continueOnInspectTimeout)) {
        socket.destroy()
        return
      }
      next(bytes.length === 0 ? null : bytes)
    })
  }

  #match(incoming: Incoming, readAhead: Buffer | null): void {
    const { socket, listener, stats, addresses, detected } = incoming
    const facts = {
      destinationIp: addresses.localIp,
      destinationPort: addresses.localPort,
      sourceIp: addresses.remoteIp,
      sourcePort: addresses.remotePort,
      serverName: detected.serverName,
      transportProtocol: detected.transportProtocol || 'raw_buffer',
      applicationProtocols: detected.applicationProtocols,
    }
    const chain = findFilterChain(listener.chains, facts) ?? listener.defaultChain
    if (!chain) {
      stats.noFilterChainMatch.value += 1
      socket.destroy()
    } else if (chain.tls === null) {
      this.#hand(incoming, chain, socket, readAhead, null)
    } else if (chain.tls.needsClientHello && detected.transportProtocol === '' && clientHelloReader.ok) {
      const { tls } = chain
      this.#inspect(incoming, [clientHelloReader.value], readAhead, bytes => this.#secure(incoming, chain, tls, bytes))
    } else {
      this.#secure(incoming, chain, chain.tls, readAhead)
    }
  }

  #secure(incoming: Incoming, chain: FilterChain, tls: DownstreamTls, readAhead: Buffer | null): void {
    const timing = { clock: this.#host.clock, handshakeTimeoutMs: chain.handshakeTimeoutMs }
    chain.connections.add(incoming.socket)
    tls.accept(incoming.socket, readAhead, incoming.detected, timing, outcome => {
      chain.connections.delete(incoming.socket)
      count(incoming.stats, outcome)
      if (outcome.ok) this.#hand(incoming, chain, outcome.socket, null, outcome)
      else this.#host.log.debug('TLS refused', { remote: incoming.addresses.remoteAddress, why: outcome.detail })
    })
  }

  #hand(
    incoming: Incoming,
    chain: FilterChain,
    socket: Socket,
    readAhead: Buffer | null,
    secured: { readonly peer: VerifiedPeer | null; readonly alpn: string; readonly localUriSan: string } | null,
  ): void {
    chain.connections.add(socket)
    socket.once('close', () => chain.connections.delete(socket))
    const { addresses, detected } = incoming
    const info: ConnectionInfo = {
      id: this.#host.nextConnectionId(),
      localAddress: addresses.localAddress,
      localPort: addresses.localPort,
      remoteAddress: addresses.remoteAddress,
      remoteIp: addresses.remoteIp,
      directRemoteAddress: addresses.remoteAddress,
      directRemoteIp: addresses.remoteIp,
      tls: secured !== null,
      requestedServerName: detected.serverName || sniOf(socket),
      alpn: secured?.alpn ?? '',
      peer: secured?.peer ?? null,
      localUriSan: secured?.localUriSan ?? '',
      tcpProxyCluster: '',
    }
    const refusal = chain.refusalOf(info)
    if (refusal === null) {
      chain.filter.onConnection(socket, info, readAhead)
      return
    }
    this.#host.log.debug('connection refused', { remote: addresses.remoteAddress, why: refusal })
    socket.destroy()
  }
}

function count(stats: ListenerStats, outcome: DownstreamTlsOutcome): void {
  const { ssl } = stats
  if (outcome.ok) {
    ssl.handshake.value += 1
    if (outcome.peer === null) ssl.noCertificate.value += 1
  } else if (outcome.reason === 'no-certificate') ssl.failVerifyNoCert.value += 1
  else if (outcome.reason === 'chain') ssl.failVerifyError.value += 1
  else if (outcome.reason === 'san') ssl.failVerifySan.value += 1
  else if (outcome.reason === 'no-secrets') ssl.secretsNotReady.value += 1
  else ssl.connectionError.value += 1
}

function sniOf(socket: Socket): string {
  const name = (socket as Socket & { servername?: string | false }).servername
  return name ? name : ''
}

function addressesOf(socket: Socket): Addresses {
  const localIp = plainIp(socket.localAddress ?? '')
  const remoteIp = plainIp(socket.remoteAddress ?? '')
  const localPort = socket.localPort ?? 0
  const remotePort = socket.remotePort ?? 0
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
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}
