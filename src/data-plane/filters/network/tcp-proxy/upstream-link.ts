// The upstream side of a TCP connection: an endpoint is picked and connected to, others after it where config allows
// more than one try; then the connection's numbers are kept until it closes.
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { WheelTimer } from '../../../../base/timer-wheel.ts'
import { Uint64 } from '../../../../base/uint64.ts'
import { xxHash64 } from '../../../../base/xx-hash64.ts'
import { limitBuffers } from '../../../../transport/net/buffer-limit.ts'
import type { Cluster, Endpoint, EndpointDependent, PickContext } from '../../../cluster/cluster.ts'
import { ClusterPools } from '../../../pool/cluster-pools.ts'
import { countConnection } from '../../../pool/connection-counts.ts'
import { TunnelStream } from '../../../pool/tunnel-stream.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import { UpstreamConnectionInfo } from '../../../upstream-connection-info.ts'
import type { TcpProxyConfig } from './config.ts'

export interface LinkOwner {
  onConnected(upstream: Duplex): void
  /** Every try has failed, or none could be made; the stream's flags say why. */
  onGivenUp(): void
}

/** A picker is asked so often for an endpoint that was not tried yet. */
const MAX_PICKS = 5

export class UpstreamLink implements PickContext, EndpointDependent {
  previous: Endpoint[] | null = null
  attempt = 0
  readonly authority = ''
  /** A socket, or a tunnel that is used like one. */
  socket: Duplex | null = null
  readonly #owner: LinkOwner
  readonly #config: TcpProxyConfig
  readonly #info: StreamInfo
  readonly #timer = new WheelTimer(this, 0)
  #cluster: Cluster | null = null
  #endpoint: Endpoint | null = null
  /** Of the try under way; null behind a tunnel, whose pool has one. */
  #connection: UpstreamConnectionInfo | null = null
  #state: 'connecting' | 'connected' | 'over' = 'over'
  #cancelled = false
  /** One of the connections that an endpoint on probation has to prove itself with. */
  #isProbe = false
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

  hash(): Uint64 | null {
    const { remoteIp } = this.#info.connection
    if (!this.#config.hashesSourceIp || remoteIp === '') return null
    return xxHash64(new Uint64(), remoteIp)
  }

  /** Tries until a connection is under way, or it is clear that there will be none. */
  connect(clusterName: string): void {
    const info = this.#info
    info.record?.beginTry(this.#config.clock.now())
    for (;;) {
      const cluster = this.#config.clusters.get(clusterName)
      if (cluster === undefined) {
        this.#config.stats.noRoute.value++
        this.#giveUp(RESPONSE_FLAG.NC)
        return
      }
      info.cluster = cluster
      if (!this.#claimConnection(cluster)) {
        cluster.stats.upstreamCxOverflow.value++
        this.#giveUp(RESPONSE_FLAG.UO)
        return
      }
      const endpoint = this.#nextEndpoint(cluster)
      if (endpoint !== null && this.#claimPlace(cluster)) {
        this.#dial(cluster, endpoint)
        return
      }
      if (this.#isOwn) cluster.resources.connections.release()
      if (endpoint === null) {
        this.#giveUp(this.#whyNone(cluster))
        return
      }
      cluster.stats.upstreamRqPendingOverflow.value++
    }
  }

  /** Nobody wants the connection any more; nothing is called from now on. */
  cancel(): void {
    this.#cancelled = true
    if (this.#state === 'connecting') {
      this.#endpoint?.monitor?.abandoned(this.#isProbe)
      this.#endTry()
      this.socket?.destroy()
    }
    if (this.#state === 'connected') this.socket?.destroy()
  }

  /** The downstream has reset a connection that stands: that goes on as a reset, except behind TLS. */
  reset(): void {
    const { socket } = this
    this.#cancelled = true
    if (socket instanceof Socket && !(socket instanceof TLSSocket)) socket.resetAndDestroy()
    else socket?.destroy()
  }

  /** Its health check has failed, and config wants its connections closed. */
  onEndpointFailed(): void {
    this.socket?.destroy()
  }

  onTimer(): void {
    const { stats } = this.#cluster!
    stats.upstreamCxConnectTimeout.value++
    this.#onFailure('', true)
  }

  #nextEndpoint(cluster: Cluster): Endpoint | null {
    if (!this.#mayTry) return null
    const endpoint = this.#pick(cluster)
    if (endpoint !== null) this.#info.attemptCount++
    return endpoint
  }

  /** The flag for that there is no next endpoint. */
  #whyNone({ stats }: Cluster): number {
    if (this.#mayTry) {
      stats.upstreamCxNoneHealthy.value++
      return RESPONSE_FLAG.UH
    }
    stats.upstreamCxConnectAttemptsExceeded.value++
    return RESPONSE_FLAG.URX
  }

  get #mayTry(): boolean {
    return this.#info.attemptCount < this.#config.maxConnectAttempts
  }

  /** Not the HTTP pool's, which counts those that carry tunnels, and who waits for them. */
  get #isOwn(): boolean {
    return this.#config.tunnel === null
  }

  #claimConnection({ resources, limits }: Cluster): boolean {
    return !this.#isOwn || resources.connections.claim(limits.maxConnections)
  }

  /** Among those that wait for their connection. */
  #claimPlace({ resources, limits }: Cluster): boolean {
    const { pendingRequests } = resources
    const max = limits.maxPendingRequests
    return this.#isOwn ? pendingRequests.claim(max) : pendingRequests.count < max
  }

  #pick(cluster: Cluster): Endpoint | null {
    this.attempt = 0
    let endpoint = cluster.picker.pick(this)
    while (endpoint !== null && this.previous?.includes(endpoint) && this.attempt < MAX_PICKS - 1) {
      this.attempt++
      endpoint = cluster.picker.pick(this)
    }
    return endpoint
  }

  #dial(cluster: Cluster, endpoint: Endpoint): void {
    this.#state = 'connecting'
    this.#cluster = cluster
    this.#endpoint = endpoint
    this.#info.goTo(endpoint)
    const { stats } = cluster
    if (this.#isOwn) {
      stats.upstreamRqPendingTotal.value++
      countConnection(cluster, endpoint)
    }
    endpoint.activeRequests++
    // Behind a tunnel the pool's connection is shared, and what the endpoint says to CONNECT is what counts.
    this.#isProbe = endpoint.monitor?.begin() === true
    this.#config.wheel.set(this.#timer, cluster.connectTimeoutMs)
    // The pool of a tunnel may have a connection at hand, or none to give, before the stream is known here.
    let settled: { readonly failure: string | null } | null = null
    const onReady = (failure: string | null): void => {
      if (socket === null) settled = { failure }
      // A try that timed out may end later than the one after it began.
      else if (this.#state === 'connecting' && this.socket === socket) this.#onSettled(socket, failure)
    }
    let socket: Duplex | null = null
    socket = this.#open(cluster, endpoint, onReady)
    this.socket = socket
    socket.allowHalfOpen = true
    // What there is to say comes as the callback, or with the close event.
    socket.on('error', ignore)
    if (settled !== null) this.#onSettled(socket, (settled as { readonly failure: string | null }).failure)
  }

  #open(cluster: Cluster, endpoint: Endpoint, onReady: (failure: string | null) => void): Duplex {
    const { tunnel, wheel } = this.#config
    const { connection } = this.#info
    if (tunnel === null) {
      const transport = endpoint.transport.forDownstream?.(connection) ?? endpoint.transport
      const socket = transport.connect(endpoint.address, endpoint.port, onReady)
      limitBuffers(socket, cluster.bufferLimit)
      this.#connection = new UpstreamConnectionInfo('', wheel.now())
      this.#connection.watch(socket, wheel)
      return socket
    }
    const pool = ClusterPools.of(cluster, wheel).get(endpoint, true, connection)
    return new TunnelStream(pool, tunnel.requestFor(this.#info), onReady)
  }

  #onSettled(socket: Duplex, failure: string | null): void {
    if (failure === null) this.#onConnected(socket)
    else this.#onFailure(failure)
  }

  #onConnected(socket: Duplex): void {
    const { stats, resources } = this.#cluster!
    const endpoint = this.#endpoint!
    this.#config.wheel.cancel(this.#timer)
    this.#state = 'connected'
    if (this.#isOwn) resources.pendingRequests.release()
    stats.upstreamRqTotal.value++
    stats.triesBegun.value++
    resources.requests.add()
    endpoint.stats.requestsTotal++
    endpoint.monitor?.connectedForGood(this.#isProbe)
    if (this.#isOwn) endpoint.dependents?.add(this)
    this.#noteReady()
    this.#connection?.onReady(socket as Socket, this.#config.wheel)
    this.#info.goBy(this.#connection ?? (socket as TunnelStream).connection)
    socket.once('end', () => {
      this.#remoteEndedFirst = !socket.writableEnded
    })
    socket.once('close', () => this.#onClosed())
    this.#owner.onConnected(socket)
  }

  #onFailure(failure: string, timedOut = false): void {
    const cluster = this.#cluster!
    const endpoint = this.#endpoint!
    const socket = this.socket
    this.#endTry()
    endpoint.monitor?.failed(timedOut, this.#isProbe)
    socket?.destroy()
    if (this.#isOwn) {
      cluster.stats.upstreamCxConnectFail.value++
      endpoint.stats.connectFailures++
    }
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
    if (this.#isOwn) this.#cluster!.resources.pendingRequests.release()
    this.#release()
  }

  #onClosed(): void {
    const { stats, resources } = this.#cluster!
    resources.requests.release()
    // As Envoy counts: whoever ended its direction last has closed the connection.
    if (this.#cancelled || this.#remoteEndedFirst) stats.upstreamCxDestroyLocalWithActiveRq.value++
    else stats.upstreamCxDestroyRemoteWithActiveRq.value++
    this.#release()
  }

  #release(): void {
    const endpoint = this.#endpoint!
    this.#state = 'over'
    endpoint.dependents?.delete(this)
    endpoint.activeRequests--
    if (!this.#isOwn) return
    this.#cluster!.resources.connections.release()
    endpoint.stats.connectionsActive--
  }

  #giveUp(flag: number): void {
    this.#info.responseFlags |= flag
    this.#noteReady()
    this.#owner.onGivenUp()
  }

  #noteReady(): void {
    if (this.#info.record !== null) this.#info.record.poolReady = this.#config.clock.now()
  }

  /** Bytes that went to the endpoint and came from it. */
  countSent(length: number): void {
    if (this.#isOwn) this.#cluster!.stats.upstreamCxTxBytesTotal.value += length
  }

  countReceived(length: number): void {
    if (this.#isOwn) this.#cluster!.stats.upstreamCxRxBytesTotal.value += length
  }
}

const ignore = (): void => {}
