// The pools of a cluster, by endpoint and by what is spoken to it. Every listener's router shares them.
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import type { ServerIdentity } from '../upstream-transport.ts'
import { AlpnPool } from './alpn-pool.ts'
import { EndpointPool } from './endpoint-pool.ts'
import { FullPool } from './full-pool.ts'
import { Http2Pool } from './http2-pool.ts'
import type { PoolSetup } from './pool-setup.ts'
import type { HttpPool } from './request-encoder.ts'
import { TcpPool } from './tcp-pool.ts'

type PoolClass = new (setup: PoolSetup) => HttpPool

interface NamedPool {
  readonly endpoint: Endpoint
  readonly pool: HttpPool
}

/** Of a cluster. */
const MAX_SERVERS = 1024
const ignore = (): void => {}

export class ClusterPools {
  readonly #cluster: Cluster
  readonly #wheel: TimerWheel
  readonly #http1 = new Map<Endpoint, HttpPool>()
  readonly #http2 = new Map<Endpoint, HttpPool>()
  readonly #negotiated = new Map<Endpoint, HttpPool>()
  readonly #tcp = new Map<Endpoint, HttpPool>()
  /** By whom a connection is for, in the order of their last use. */
  readonly #byServer = new Map<string, NamedPool>()
  readonly #full: FullPool

  static readonly #byCluster = new WeakMap<Cluster, ClusterPools>()

  private constructor(cluster: Cluster, wheel: TimerWheel) {
    this.#cluster = cluster
    this.#wheel = wheel
    this.#full = new FullPool(cluster.stats)
    cluster.onEndpointRemoved(endpoint => this.#drain(endpoint))
    // In panic it may be picked again, and is then connected to anew.
    cluster.onEndpointFailed(endpoint => {
      for (const pools of this.#drain(endpoint)) pools.delete(endpoint)
    })
  }

  static of(cluster: Cluster, wheel: TimerWheel): ClusterPools {
    let pools = ClusterPools.#byCluster.get(cluster)
    if (pools === undefined) {
      pools = new ClusterPools(cluster, wheel)
      ClusterPools.#byCluster.set(cluster, pools)
    }
    return pools
  }

  /**
   * `downstreamHttp2`: the request came by HTTP/2, for clusters that keep to the downstream's protocol. `downstream`: for
   * transports that tell the endpoint whose a connection is. `server`: whom it is for.
   */
  get(
    endpoint: Endpoint,
    downstreamHttp2: boolean,
    downstream: ConnectionInfo | null,
    server: ServerIdentity | null = null,
  ): HttpPool {
    const { httpProtocol } = this.#cluster
    if (httpProtocol === 'auto') return this.#find(this.#negotiated, AlpnPool, endpoint, downstream, server)
    const http2 = httpProtocol === 'http2' || (httpProtocol === 'downstream' && downstreamHttp2)
    return http2
      ? this.#find(this.#http2, Http2Pool, endpoint, downstream, server)
      : this.#find(this.#http1, EndpointPool, endpoint, downstream, server)
  }

  /** For tunnels that end here. */
  tcp(endpoint: Endpoint, downstream: ConnectionInfo | null, server: ServerIdentity | null): HttpPool {
    return this.#find(this.#tcp, TcpPool, endpoint, downstream, server)
  }

  get size(): number {
    return this.#http1.size + this.#http2.size + this.#negotiated.size + this.#tcp.size + this.#byServer.size
  }

  #drain(endpoint: Endpoint): readonly Map<Endpoint, HttpPool>[] {
    const kinds = [this.#http1, this.#http2, this.#negotiated, this.#tcp]
    for (const pools of kinds) pools.get(endpoint)?.drain()
    for (const [key, named] of this.#byServer) {
      if (named.endpoint !== endpoint) continue
      this.#byServer.delete(key)
      named.pool.drain()
    }
    return kinds
  }

  #find(
    pools: Map<Endpoint, HttpPool>,
    Pool: PoolClass,
    endpoint: Endpoint,
    downstream: ConnectionInfo | null,
    server: ServerIdentity | null,
  ): HttpPool {
    const own = downstream === null ? undefined : endpoint.transport.forDownstream?.(downstream)
    if (own !== undefined) {
      // At the limit nothing that comes free would serve this request: there is no sense in waiting.
      const { resources, limits } = this.#cluster
      if (resources.connections.count >= limits.maxConnections) return this.#full
      // Connections that tell whose they are serve one request each: the pool drains from the start.
      const transport = (server && own.forServer?.(server)) ?? own
      const unshared = new Pool({
        cluster: this.#cluster,
        endpoint,
        wheel: this.#wheel,
        transport,
        onEmpty: ignore,
      })
      unshared.drain()
      return unshared
    }
    if (server !== null && endpoint.transport.forServer !== undefined) return this.#named(Pool, endpoint, server)
    const known = pools.get(endpoint)
    if (known !== undefined) return known
    const onEmpty = (): void => {
      if (pools.get(endpoint) === pool) pools.delete(endpoint)
    }
    const { transport } = endpoint
    const pool: HttpPool = new Pool({ cluster: this.#cluster, endpoint, wheel: this.#wheel, transport, onEmpty })
    pools.set(endpoint, pool)
    return pool
  }

  /** Names come with requests, and there is no end of them: the one unused for longest makes room. */
  #named(Pool: PoolClass, endpoint: Endpoint, server: ServerIdentity): HttpPool {
    const { serverName, verifiedName } = server
    // However a name is spelt (RFC 6066 3), its connections are the same, as in Envoy.
    const key = `${Pool.name} ${endpoint.key} ${serverName ?? ''} ${verifiedName ?? ''}`.toLowerCase()
    const known = this.#byServer.get(key)
    if (known !== undefined && known.endpoint === endpoint) {
      this.#byServer.delete(key)
      this.#byServer.set(key, known)
      return known.pool
    }
    if (this.#byServer.size >= MAX_SERVERS) this.#makeRoom()
    const transport = endpoint.transport.forServer!(server)
    const pool = new Pool({ cluster: this.#cluster, endpoint, wheel: this.#wheel, transport, onEmpty: ignore })
    this.#byServer.set(key, { endpoint, pool })
    return pool
  }

  #makeRoom(): void {
    for (const [key, { pool }] of this.#byServer) {
      this.#byServer.delete(key)
      pool.drain()
      return
    }
  }
}
