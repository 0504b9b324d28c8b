// One TCP connection through the proxy: downstream, upstream, the bytes between them, and the end of it all.
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WheelTimer } from '../../../../base/timer-wheel.ts'
import { PeriodicLines, writeLine } from '../../../access-log/early-lines.ts'
import { ACCESS_LOG_TYPE } from '../../../access-log-type.ts'
import type { ConnectionInfo } from '../../../connection-info.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import { StreamInfo } from '../../../stream-info.ts'
import { StreamRecord } from '../../../stream-record.ts'
import type { AheadObserver } from '../contract/network-filter.ts'
import { ByteRelay, type RelayOwner } from './byte-relay.ts'
import type { TcpProxyConfig } from './config.ts'
import { type LinkOwner, UpstreamLink } from './upstream-link.ts'

const IDLE = 0
const DURATION = 1

export class TcpSession implements RelayOwner, LinkOwner {
  readonly #config: TcpProxyConfig
  readonly #info: StreamInfo
  readonly #link: UpstreamLink
  readonly #idle = new WheelTimer(this, IDLE)
  readonly #duration = new WheelTimer(this, DURATION)
  #downstream: Socket | null = null
  #early: Buffer | null = null
  #inbound: ByteRelay | null = null
  #periodicLines: PeriodicLines | null = null
  /** Whom to tell how it goes while there is no downstream. */
  #ahead: AheadObserver | null = null
  readonly #onSpoken = (): void => {
    // Without a byte it is the end of the stream: a server that has gone has nothing to say.
    if (this.#link.socket!.readableLength > 0) this.#ahead?.onSpoken()
    else this.#link.cancel()
  }
  #onEnd: (session: TcpSession) => void = ignore

  constructor(config: TcpProxyConfig, connection: ConnectionInfo) {
    this.#config = config
    this.#info = new StreamInfo(connection, config.clock.wallNow(), config.clock.now())
    this.#info.protocol = ''
    if (config.recordsStreams) this.#info.record = new StreamRecord()
    this.#link = new UpstreamLink(this, config, this.#info)
  }

  /** Begins without a downstream; false: there is nothing to begin with. */
  connectAhead(observer: AheadObserver): boolean {
    const cluster = this.#chooseCluster()
    if (this.#config.clusters.get(cluster) === undefined) return false
    this.#ahead = observer
    this.#link.connect(cluster)
    return this.#link.isUnderWay
  }

  /** Takes the downstream over and connects upstream at once, if it has not done so ahead: a server may speak first. */
  start(downstream: Socket, early: Buffer | null, onEnd: (session: TcpSession) => void): void {
    const config = this.#config
    config.stats.connections.value++
    this.#ahead = null
    this.#downstream = downstream
    this.#early = early
    this.#onEnd = onEnd
    downstream.allowHalfOpen = true
    downstream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' && this.#link.isConnected) this.#link.reset()
    })
    downstream.once('close', () => this.#onDownstreamClosed())
    const intervalMs = config.earlyLines?.intervalMs ?? 0
    if (intervalMs > 0)
      this.#periodicLines = new PeriodicLines(this.#info, config, intervalMs, ACCESS_LOG_TYPE.tcpPeriodic)
    if (config.maxDurationMs > 0) config.wheel.set(this.#duration, config.maxDurationMs)
    if (this.#link.isConnected) this.#join(downstream, this.#link.socket!)
    else if (!this.#link.isUnderWay) this.#link.connect(this.#chooseCluster())
  }

  onConnected(upstream: Duplex): void {
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') this.#onUpstreamReset()
    })
    upstream.once('close', () => this.#onUpstreamClosed())
    if (this.#config.earlyLines?.onConnected) writeLine(this.#info, this.#config, ACCESS_LOG_TYPE.tcpUpstreamConnected)
    if (this.#downstream !== null) this.#join(this.#downstream, upstream)
    else upstream.once('readable', this.#onSpoken)
  }

  onGivenUp(): void {
    if (this.#downstream !== null) this.#refuse(this.#downstream)
    else this.#ahead?.onLost()
  }

  onBytes(relay: ByteRelay, length: number): void {
    const { stats } = this.#config
    if (relay === this.#inbound) {
      this.#info.bytesReceived += length
      stats.receivedBytes.value += length
      this.#link.countSent(length)
    } else {
      this.#info.bytesSent += length
      stats.sentBytes.value += length
      this.#link.countReceived(length)
    }
    this.#touch()
  }

  onPaused(relay: ByteRelay): void {
    if (relay === this.#inbound) this.#config.stats.pausedReading.value++
  }

  onResumed(relay: ByteRelay): void {
    if (relay === this.#inbound) this.#config.stats.resumedReading.value++
    this.#touch()
  }

  onTimer(timer: WheelTimer): void {
    const { stats } = this.#config
    if (timer.purpose === IDLE) stats.idleTimeouts.value++
    else {
      stats.maxDurationReached.value++
      this.#info.responseFlags |= RESPONSE_FLAG.DT
    }
    this.close()
  }

  /** At once, whatever is under way. */
  close(): void {
    this.#ahead = null
    this.#link.cancel()
    this.#downstream?.destroy()
  }

  /** As the system does it: what is closed with bytes of its peer unread is reset (RFC 2525 2.17). */
  #refuse(downstream: Socket): void {
    const isUnread = this.#early !== null || downstream.readableLength > 0
    if (isUnread && !this.#info.connection.tls) downstream.resetAndDestroy()
    else downstream.destroy()
  }

  #chooseCluster(): string {
    return this.#info.connection.tcpProxyCluster || this.#config.chooseCluster(this.#config.random.next())
  }

  #join(downstream: Socket, upstream: Duplex): void {
    upstream.off('readable', this.#onSpoken)
    this.#touch()
    const inbound = new ByteRelay(downstream, upstream, this)
    this.#inbound = inbound
    inbound.start(this.#early)
    this.#early = null
    new ByteRelay(upstream, downstream, this).start(null)
  }

  #touch(): void {
    const { wheel, idleTimeoutMs } = this.#config
    if (idleTimeoutMs > 0) wheel.set(this.#idle, idleTimeoutMs)
  }

  /** A reset goes on as a reset, where the downstream can be told so. */
  #onUpstreamReset(): void {
    const downstream = this.#downstream
    if (downstream === null || downstream.destroyed) return
    this.#info.responseFlags |= RESPONSE_FLAG.UR
    if (this.#info.connection.tls) downstream.destroy()
    else downstream.resetAndDestroy()
  }

  #onUpstreamClosed(): void {
    const downstream = this.#downstream
    if (downstream === null) this.#ahead?.onLost()
    else if (downstream.destroyed) this.#stopTimers()
    // What came before goes out first; should it not be taken, the idle time-out ends the wait.
    else endAndDestroy(downstream)
  }

  #onDownstreamClosed(): void {
    const link = this.#link
    const upstream = link.isConnected ? link.socket : null
    if (upstream === null) {
      link.cancel()
      this.#stopTimers()
    } else if (upstream.destroyed) this.#stopTimers()
    else if (upstream.writableLength > 0) this.#flushUpstream(upstream)
    else if (!upstream.readableEnded || !upstream.writableEnded) link.cancel()
    this.#finish()
  }

  /** What the downstream sent before it went is sent on; should it not be taken, the idle time-out ends the wait. */
  #flushUpstream(upstream: Duplex): void {
    const { upstreamFlushes, upstreamFlushesActive } = this.#config.stats
    upstreamFlushes.value++
    upstreamFlushesActive.value++
    upstream.once('close', () => upstreamFlushesActive.value--)
    endAndDestroy(upstream)
  }

  #finish(): void {
    this.#periodicLines?.stop()
    writeLine(this.#info, this.#config, ACCESS_LOG_TYPE.tcpConnectionEnd)
    this.#onEnd(this)
  }

  #stopTimers(): void {
    this.#config.wheel.cancel(this.#idle)
    this.#config.wheel.cancel(this.#duration)
  }
}

/** Flushes, ends and closes: nothing more is read. */
function endAndDestroy(socket: Duplex): void {
  if (socket.writableFinished) {
    socket.destroy()
    return
  }
  socket.once('finish', () => socket.destroy())
  socket.end()
}

const ignore = (): void => {}
