// The pools of a cluster, by endpoint. Every listener's router shares them.
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { EndpointPool } from './endpoint-pool.ts'

const ignore = (): void => {}

export class ClusterPools {
  /** Retries under way, of all streams: bounded by the cluster's max_retries. */
  activeRetries = 0
  readonly #cluster: Cluster
  readonly #wheel: TimerWheel
  readonly #pools = new Map<Endpoint, EndpointPool>()
  readonly #forget = (endpoint: Endpoint): void => void this.#pools.delete(endpoint)

  static readonly #byCluster = new WeakMap<Cluster, ClusterPools>()

  private constructor(cluster: Cluster, wheel: TimerWheel) {
    this.#cluster = cluster
    this.#wheel = wheel
    cluster.onEndpointRemoved(endpoint => this.#pools.get(endpoint)?.drain())
  }

  static of(cluster: Cluster, wheel: TimerWheel): ClusterPools {
    let pools = ClusterPools.#byCluster.get(cluster)
    if (pools === undefined) {
      pools = new ClusterPools(cluster, wheel)
      ClusterPools.#byCluster.set(cluster, pools)
    }
    return pools
  }

  get(endpoint: Endpoint, downstream: ConnectionInfo | null): EndpointPool {
    const own = downstream === null ? undefined : endpoint.transport.forDownstream?.(downstream)
    if (own !== undefined) return this.#unshared(endpoint, own)
    let pool = this.#pools.get(endpoint)
    if (pool === undefined) {
      pool = new EndpointPool(this.#cluster, endpoint, this.#wheel, this.#forget)
      this.#pools.set(endpoint, pool)
    }
    return pool
  }

  /** Connections that tell whose they are serve one request each: the pool drains from the start. */
  #unshared(endpoint: Endpoint, transport: UpstreamTransport): EndpointPool {
    const pool = new EndpointPool(this.#cluster, endpoint, this.#wheel, ignore, transport)
    pool.drain()
    return pool
  }

  get size(): number {
    return this.#pools.size
  }
}
