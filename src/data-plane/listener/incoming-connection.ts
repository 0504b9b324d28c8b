// The way of a new connection: listener filters, filter chain match, TLS, network filters.
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { limitBuffers } from '../../transport/net/buffer-limit.ts'
import type { VerifiedPeer } from '../../transport/tls/peer-verification.ts'
import { plainServerName } from '../../transport/tls/server-name.ts'
import { tlsDetailsOf } from '../../transport/tls/tls-details.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { Findings, type ListenerFilter } from '../filters/listener/contract/listener-filter.ts'
import type { ConnectionAhead } from '../filters/network/contract/network-filter.ts'
import { InternalSocket } from '../internal-listener/internal-socket.ts'
import type { DownstreamTls, DownstreamTlsOutcome } from '../transport-socket/downstream-tls.ts'
import type { CompiledListener } from './compiled-listener.ts'
import { announcedAddresses, type ConnectionAddresses, socketAddresses } from './connection-addresses.ts'
import type { FilterChain } from './filter-chain.ts'
import { findFilterChain } from './filter-chain-match.ts'
import { ListenerFilterRun } from './listener-filter-run.ts'
import type { ListenerStats } from './listener-stats.ts'

export interface IncomingHost {
  readonly clock: Clock
  readonly log: Log
  /** Reads a ClientHello where the listener has no inspector of its own. */
  readonly clientHelloReader: ListenerFilter
  nextConnectionId(): number
}

type Secured = { readonly peer: VerifiedPeer | null; readonly alpn: string; readonly localUriSan: string }

/** An upstream connection that waits for its downstream, and what was assumed when it was begun. */
interface HeadStart {
  readonly chain: FilterChain
  readonly info: ConnectionInfo
  readonly connection: ConnectionAhead
}

/**
 * A client that is silent for so long may be waiting for the server. Those that speak first do so at once: their first
 * bytes come with, or right behind, the packet that completes the connection.
 */
const SILENCE_MS = 20

export class IncomingConnection {
  readonly #socket: Socket
  readonly #listener: CompiledListener
  readonly #stats: ListenerStats
  readonly #host: IncomingHost
  readonly #direct: ConnectionAddresses
  readonly #findings = new Findings()
  readonly #acceptedAt: number
  #handshakeBegunAt = -1
  #silence: Timer | null = null
  #ahead: HeadStart | null = null

  constructor(socket: Socket, listener: CompiledListener, stats: ListenerStats, host: IncomingHost) {
    this.#socket = socket
    this.#listener = listener
    this.#stats = stats
    this.#host = host
    this.#direct = socketAddresses(socket)
    this.#acceptedAt = host.clock.now()
  }

  start(): void {
    const { inspectors } = this.#listener
    if (inspectors.length === 0) this.#match(null)
    else this.#inspect(inspectors, null, bytes => this.#match(bytes))
  }

  #inspect(filters: readonly ListenerFilter[], readAhead: Buffer | null, next: (bytes: Buffer | null) => void): void {
    const { inspectTimeoutMs: timeoutMs, continueOnInspectTimeout } = this.#listener
    const options = { clock: this.#host.clock, timeoutMs, onSilence: () => this.#onSilence(run) }
    const run = new ListenerFilterRun(this.#socket, filters, this.#findings, options, (end, bytes) => {
      this.#silence?.cancel()
      if (end === 'timeout') this.#stats.preCxTimeout.value += 1
      if (end === 'done' || (end === 'timeout' && continueOnInspectTimeout)) next(bytes)
      else {
        this.#ahead?.connection.abandon()
        this.#socket.destroy()
      }
    })
    run.start(readAhead)
  }

  /** A listener that closes silent connections wants to hear from the client first. */
  #onSilence(run: ListenerFilterRun): void {
    if (!this.#listener.continueOnInspectTimeout || this.#silence !== null) return
    this.#silence = this.#host.clock.setTimer(SILENCE_MS, () => {
      if (run.isSilent) this.#connectAhead(run)
    })
  }

  /**
   * Silence ends in one chain, for certain: the one that is matched when nothing is found out. Where that chain's filter
   * can, it connects upstream meanwhile. Whichever side speaks first decides: the server's bytes end the inspection, the
   * client's go through it as ever, and where they lead to another chain the upstream connection is dropped.
   */
  #connectAhead(run: ListenerFilterRun): void {
    const chain = this.#findChain()
    // What is asked before a connection is let in is asked once, and before anything is done for it.
    if (chain === null || chain.tls !== null || chain.before.length > 0 || !chain.filter.connectAhead) return
    const info = this.#describe(chain, this.#socket, null)
    const connection = chain.filter.connectAhead(info, {
      onSpoken: () => {
        if (run.isSilent) run.finish()
      },
      onLost: () => {
        this.#ahead = null
      },
    })
    if (connection !== null) this.#ahead = { chain, info, connection }
  }

  #match(readAhead: Buffer | null): void {
    const ahead = this.#ahead
    this.#ahead = null
    const chain = this.#findChain()
    if (ahead !== null) {
      if (chain === ahead.chain && this.#findings.areEmpty) {
        this.#own(chain, this.#socket)
        ahead.connection.take(this.#socket, readAhead)
        return
      }
      ahead.connection.abandon()
    }
    if (!chain) {
      this.#stats.noFilterChainMatch.value += 1
      this.#socket.destroy()
    } else if (chain.tls === null) {
      this.#hand(chain, this.#socket, readAhead, null)
    } else if (chain.tls.needsClientHello && this.#findings.transportProtocol === '') {
      this.#readHello(chain, chain.tls, readAhead)
    } else {
      this.#secure(chain, chain.tls, readAhead, chain.handshakeTimeoutMs)
    }
  }

  #findChain(): FilterChain | null {
    const { serverName, transportProtocol, applicationProtocols } = this.#findings
    const addresses = this.#addresses
    const facts = {
      destinationIp: addresses.localIp,
      destinationPort: addresses.localPort,
      directSourceIp: this.#direct.remoteIp,
      sourceIp: addresses.remoteIp,
      sourcePort: addresses.remotePort,
      serverName,
      transportProtocol: transportProtocol || 'raw_buffer',
      applicationProtocols,
    }
    return findFilterChain(this.#listener.chains, facts) ?? this.#listener.defaultChain
  }

  /**
   * Which chain takes a TLS connection may need no look at its bytes, but which protocol to announce does. To the client
   * it is a part of the handshake, and of the time for it.
   */
  #readHello(chain: FilterChain, tls: DownstreamTls, readAhead: Buffer | null): void {
    const { clock, clientHelloReader } = this.#host
    const timeoutMs = chain.handshakeTimeoutMs
    const begunAt = clock.now()
    const options = { clock, timeoutMs, onSilence: () => {} }
    const run = new ListenerFilterRun(this.#socket, [clientHelloReader], this.#findings, options, (end, bytes) => {
      if (end === 'done') {
        const leftMs = timeoutMs - (clock.now() - begunAt)
        this.#secure(chain, tls, bytes, timeoutMs === 0 ? 0 : Math.max(1, leftMs))
        return
      }
      if (end === 'timeout') this.#stats.handshakeTimeout.value += 1
      if (end === 'refused') this.#stats.ssl.connectionError.value += 1
      this.#socket.destroy()
    })
    run.start(readAhead)
  }

  #secure(chain: FilterChain, tls: DownstreamTls, readAhead: Buffer | null, handshakeTimeoutMs: number): void {
    const timing = { clock: this.#host.clock, handshakeTimeoutMs }
    chain.connections.add(this.#socket)
    this.#handshakeBegunAt = this.#host.clock.now()
    tls.accept(this.#socket, readAhead, this.#findings, timing, outcome => {
      chain.connections.delete(this.#socket)
      count(this.#stats, outcome)
      if (outcome.ok) this.#hand(chain, outcome.socket, null, outcome)
      else this.#host.log.debug('TLS refused', { remote: this.#addresses.remoteAddress, why: outcome.detail })
    })
  }

  #hand(chain: FilterChain, socket: Socket, readAhead: Buffer | null, secured: Secured | null): void {
    this.#own(chain, socket)
    const info = this.#describe(chain, socket, secured)
    const refusal = chain.refusalOf(info)
    if (refusal === null) {
      chain.filter.onConnection(socket, info, readAhead)
      return
    }
    this.#host.log.debug('connection refused', { remote: info.remoteAddress, why: refusal })
    socket.destroy()
  }

  #own(chain: FilterChain, socket: Socket): void {
    limitBuffers(socket, this.#listener.bufferLimit)
    chain.connections.add(socket)
    socket.once('close', () => chain.connections.delete(socket))
  }

  get #addresses(): ConnectionAddresses {
    const { announced } = this.#findings
    return announced === null ? this.#direct : announcedAddresses(announced)
  }

  #describe(chain: FilterChain, socket: Socket, secured: Secured | null): ConnectionInfo {
    const addresses = this.#addresses
    const carried = this.#socket instanceof InternalSocket ? this.#socket.carried : null
    // What is known of an identity is written in each listener's own words (client-certificate-header.ts).
    const carriedPeer = carried?.peer ? { ...carried.peer } : null
    return {
      id: this.#host.nextConnectionId(),
      acceptedAt: this.#acceptedAt,
      handshakeBegunAt: this.#handshakeBegunAt,
      handshakeDoneAt: secured === null ? -1 : this.#host.clock.now(),
      localAddress: addresses.localAddress,
      localPort: addresses.localPort,
      remoteAddress: addresses.remoteAddress,
      remoteIp: addresses.remoteIp,
      directRemoteAddress: this.#direct.remoteAddress,
      directRemoteIp: this.#direct.remoteIp,
      directLocalAddress: this.#direct.localAddress,
      tls: secured !== null || carried?.tls === true,
      requestedServerName: this.#findings.serverName || sniOf(socket) || (carried?.requestedServerName ?? ''),
      alpn: secured?.alpn ?? '',
      peer: secured?.peer ?? carriedPeer,
      handshake: tlsDetailsOf(socket),
      listener: this.#listener.name,
      filterChain: chain.name,
      localUriSan: secured?.localUriSan ?? carried?.localUriSan ?? '',
      proxyTlvs: this.#findings.tlvs,
      tcpProxyCluster: '',
    }
  }
}

function count(stats: ListenerStats, outcome: DownstreamTlsOutcome): void {
  const { ssl } = stats
  if (outcome.ok) {
    ssl.handshake.value += 1
    if (outcome.peer === null) ssl.noCertificate.value += 1
  } else if (outcome.reason === 'timeout') stats.handshakeTimeout.value += 1
  else if (outcome.reason === 'no-certificate') ssl.failVerifyNoCert.value += 1
  else if (outcome.reason === 'chain') ssl.failVerifyError.value += 1
  else if (outcome.reason === 'san') ssl.failVerifySan.value += 1
  else if (outcome.reason === 'pin') ssl.failVerifyCertHash.value += 1
  else if (outcome.reason === 'no-secrets') ssl.secretsNotReady.value += 1
  else ssl.connectionError.value += 1
}

function sniOf(socket: Socket): string {
  const name = (socket as Socket & { servername?: string | false }).servername
  return name ? plainServerName(name) : ''
}
