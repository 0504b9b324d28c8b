// The pools of a cluster, by endpoint. Every listener's router shares them.
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import { EndpointPool } from './endpoint-pool.ts'
import { Http2Pool } from './http2-pool.ts'
import type { HttpPool } from './request-encoder.ts'
import { TcpPool } from './tcp-pool.ts'

export class ClusterPools {
  /** Retries under way, of all streams: bounded by the cluster's max_retries. */
  activeRetries = 0
  readonly #cluster: Cluster
  readonly #wheel: TimerWheel
  readonly #http1 = new Map<Endpoint, HttpPool>()
  readonly #http2 = new Map<Endpoint, HttpPool>()
  readonly #tcp = new Map<Endpoint, HttpPool>()

  static readonly #byCluster = new WeakMap<Cluster, ClusterPools>()

  private constructor(cluster: Cluster, wheel: TimerWheel) {
    this.#cluster = cluster
    this.#wheel = wheel
    cluster.onEndpointRemoved(endpoint => {
      this.#http1.get(endpoint)?.drain()
      this.#http2.get(endpoint)?.drain()
      this.#tcp.get(endpoint)?.drain()
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

  /** `downstreamHttp2`: the request came by HTTP/2, for clusters that keep to the downstream's protocol. */
  get(endpoint: Endpoint, downstreamHttp2: boolean): HttpPool {
    const { httpProtocol } = this.#cluster
    const http2 = httpProtocol === 'http2' || (httpProtocol === 'downstream' && downstreamHttp2)
    const pools = http2 ? this.#http2 : this.#http1
    return pools.get(endpoint) ?? this.#create(endpoint, http2)
  }

  /** For tunnels that end here. */
  tcp(endpoint: Endpoint): HttpPool {
    const known = this.#tcp.get(endpoint)
    if (known !== undefined) return known
    const pool = new TcpPool(this.#cluster, endpoint, this.#wheel, () => void this.#tcp.delete(endpoint))
    this.#tcp.set(endpoint, pool)
    return pool
  }

  get size(): number {
    return this.#http1.size + this.#http2.size + this.#tcp.size
  }

  #create(endpoint: Endpoint, http2: boolean): HttpPool {
    if (http2) {
      const pool = new Http2Pool(this.#cluster, endpoint, this.#wheel, () => void this.#http2.delete(endpoint))
      this.#http2.set(endpoint, pool)
      return pool
    }
    const pool = new EndpointPool(this.#cluster, endpoint, this.#wheel, () => void this.#http1.delete(endpoint))
    this.#http1.set(endpoint, pool)
    return pool
  }
}
