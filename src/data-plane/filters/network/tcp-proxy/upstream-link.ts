// The upstream side of a TCP connection: an endpoint is picked and connected to, others after it where config allows
// more than one try; then the connection's numbers are kept until it closes.
import type { Socket } from 'node:net'
import { WheelTimer } from '../../../../base/timer-wheel.ts'
import type { Cluster, Endpoint, PickContext } from '../../../cluster/cluster.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import type { TcpProxyConfig } from './config.ts'

export interface LinkOwner {
  onConnected(socket: Socket): void
  /** Every try has failed, or none could be made; the stream's flags say why. */
  onGivenUp(): void
}

/** A picker is asked so often for an endpoint that was not tried yet. */
const MAX_PICKS = 5

export class UpstreamLink implements PickContext {
  previous: Endpoint[] | null = null
  readonly authority = ''
  socket: Socket | null = null
  readonly #owner: LinkOwner
  readonly #config: TcpProxyConfig
  readonly #info: StreamInfo
  readonly #timer = new WheelTimer(this, 0)
  #cluster: Cluster | null = null
  #endpoint: Endpoint | null = null
  #state: 'connecting' | 'connected' | 'over' = 'over'
  #cancelled = false
  #remoteEndedFirst = false

  constructor(owner: LinkOwner, config: TcpProxyConfig, info: StreamInfo) {
    this.#owner = owner
    this.#config = config
    this.#info = info
  }

  get isUnderWay(): boolean {
    return this.#state !== 'over'
  }

  get isConnected(): boolean {
    return this.#state === 'connected'
  }

  random(): number {
    return this.#config.random.next()
  }

  /** Tries until a connection is under way, or it is clear that there will be none. */
  connect(clusterName: string): void {
    const info = this.#info
    for (;;) {
      const cluster = this.#config.clusters.get(clusterName)
      if (cluster === undefined) {
        this.#config.stats.noRoute.value++
        this.#giveUp(RESPONSE_FLAG.NC)
        return
      }
      info.upstreamCluster = clusterName
      const { stats, limits } = cluster
      if (stats.upstreamCxActive.value >= limits.maxConnections) {
        stats.upstreamCxOverflow.value++
        this.#giveUp(RESPONSE_FLAG.UO)
        return
      }
      if (info.attemptCount >= this.#config.maxConnectAttempts) {
        stats.upstreamCxConnectAttemptsExceeded.value++
        this.#giveUp(RESPONSE_FLAG.URX)
        return
      }
      const endpoint = this.#pick(cluster)
      if (endpoint === null) {
        stats.upstreamCxNoneHealthy.value++
        this.#giveUp(RESPONSE_FLAG.UH)
        return
      }
      info.attemptCount++
      if (stats.upstreamRqPendingActive.value < limits.maxPendingRequests) {
        this.#dial(cluster, endpoint)
        return
      }
      stats.upstreamRqPendingOverflow.value++
    }
  }

  /** Nobody wants the connection any more; nothing is called from now on. */
  cancel(): void {
    this.#cancelled = true
    if (this.#state === 'connecting') {
      this.#endTry()
      this.socket?.destroy()
    }
    if (this.#state === 'connected') this.socket?.destroy()
  }

  onTimer(): void {
    const { stats } = this.#cluster!
    stats.upstreamCxConnectTimeout.value++
    this.#onFailure('')
  }

  #pick(cluster: Cluster): Endpoint | null {
    let endpoint = cluster.picker.pick(this)
    for (let picks = 1; endpoint !== null && this.previous?.includes(endpoint) && picks < MAX_PICKS; picks++) {
      endpoint = cluster.picker.pick(this)
    }
    return endpoint
  }

  #dial(cluster: Cluster, endpoint: Endpoint): void {
    this.#state = 'connecting'
    this.#cluster = cluster
    this.#endpoint = endpoint
    this.#info.upstreamHost = endpoint.key
    const { stats } = cluster
    stats.upstreamRqPendingTotal.value++
    stats.upstreamRqPendingActive.value++
    stats.upstreamCxTotal.value++
    stats.upstreamCxActive.value++
    endpoint.stats.connectionsTotal++
    endpoint.stats.connectionsActive++
    endpoint.activeRequests++
    this.#config.wheel.set(this.#timer, cluster.connectTimeoutMs)
    const transport = endpoint.transport.forDownstream?.(this.#info.connection) ?? endpoint.transport
    const socket = transport.connect(endpoint.address, endpoint.port, failure => {
      // A try that timed out may end later than the one after it began.
      if (this.#state !== 'connecting' || this.socket !== socket) return
      if (failure === null) this.#onConnected(socket)
      else this.#onFailure(failure)
    })
    this.socket = socket
    socket.allowHalfOpen = true
    // What there is to say comes as the callback, or with the close event.
    socket.on('error', ignore)
  }

  #onConnected(socket: Socket): void {
    const { stats } = this.#cluster!
    const endpoint = this.#endpoint!
    this.#config.wheel.cancel(this.#timer)
    this.#state = 'connected'
    stats.upstreamRqPendingActive.value--
    stats.upstreamRqTotal.value++
    stats.upstreamRqActive.value++
    endpoint.stats.requestsTotal++
    this.#info.upstreamLocalAddress = `${socket.localAddress ?? ''}:${socket.localPort ?? 0}`
    socket.once('end', () => {
      this.#remoteEndedFirst = !socket.writableEnded
    })
    socket.once('close', () => this.#onClosed())
    this.#owner.onConnected(socket)
  }

  #onFailure(failure: string): void {
    const cluster = this.#cluster!
    const endpoint = this.#endpoint!
    const socket = this.socket
    this.#endTry()
    socket?.destroy()
    cluster.stats.upstreamCxConnectFail.value++
    endpoint.stats.connectFailures++
    endpoint.stats.requestsError++
    this.#info.responseFlags |= RESPONSE_FLAG.UF
    this.#info.upstreamTransportFailureReason = failure
    if (this.previous === null) this.previous = [endpoint]
    else this.previous.push(endpoint)
    this.connect(cluster.name)
  }

  /** A try is over without a connection. */
  #endTry(): void {
    this.#config.wheel.cancel(this.#timer)
    this.#cluster!.stats.upstreamRqPendingActive.value--
    this.#release()
  }

  #onClosed(): void {
    const { stats } = this.#cluster!
    stats.upstreamRqActive.value--
    // As Envoy counts: whoever ended its direction last has closed the connection.
    if (this.#cancelled || this.#remoteEndedFirst) stats.upstreamCxDestroyLocalWithActiveRq.value++
    else stats.upstreamCxDestroyRemoteWithActiveRq.value++
    this.#release()
  }

  #release(): void {
    const endpoint = this.#endpoint!
    this.#state = 'over'
    this.#cluster!.stats.upstreamCxActive.value--
    endpoint.stats.connectionsActive--
    endpoint.activeRequests--
  }

  #giveUp(flag: number): void {
    this.#info.responseFlags |= flag
    this.#owner.onGivenUp()
  }

  /** Bytes that went to the endpoint and came from it. */
  countSent(length: number): void {
    this.#cluster!.stats.upstreamCxTxBytesTotal.value += length
  }

  countReceived(length: number): void {
    this.#cluster!.stats.upstreamCxRxBytesTotal.value += length
  }
}

const ignore = (): void => {}
