// Every connected proxy, and what reaches all of them: new generations, in turn and without holding up the process.
import { status as grpcStatus } from '@grpc/grpc-js'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import { SEND_ORDER } from '../../xds/type-url.ts'
import type { Registry } from '../registry/registry.ts'
import type { ProxySnapshot } from '../snapshot/resource-set.ts'
import type { SnapshotSource } from '../snapshot/snapshot-source.ts'
import type { Counter, Histogram, Metrics } from '../status/metrics.ts'
import { ProxyStatus, SHORT_NAME } from '../status/proxy-status.ts'
import { admit, type Caller } from './admission.ts'
import type { ConnectedProxy } from './connected-proxy.ts'
import { type Protocol, ResponseCache } from './discovery-response.ts'
import type { ClaimedNode } from './node.ts'
import { ProxyStream } from './proxy-stream.ts'

export interface AdsServerParts {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly registry: Registry
  readonly snapshots: SnapshotSource
}

/** How a stream's transport is reached. */
export interface Connection {
  readonly write: (response: Buffer) => boolean
  readonly end: (code: number, reason: string) => void
}

/** Milliseconds of pushing after which other work gets its turn. */
const TURN_MS = 10
const MAX_STREAMS = 10_000
const EMPTY: ProxySnapshot = {
  generation: 0,
  revision: -1,
  sets: Object.fromEntries(
    SEND_ORDER.map(type => [type, { type, version: '', resources: new Map() }]),
  ) as unknown as ProxySnapshot['sets'],
}

export class AdsServer {
  readonly #parts: AdsServerParts
  readonly #cache = new ResponseCache()
  readonly #proxies = new Set<ConnectedProxy>()
  readonly #waiting = new Set<() => void>()
  readonly #pushes: Counter
  readonly #rejects: Counter
  readonly #convergence: Histogram
  #round = 0

  constructor(parts: AdsServerParts) {
    this.#parts = parts
    this.#pushes = parts.metrics.counter('pilot_xds_pushes', 'Responses sent, by type.')
    this.#rejects = parts.metrics.counter('pilot_total_xds_rejects', 'Responses that proxies refused, by type.')
    this.#convergence = parts.metrics.histogram(
      'pilot_proxy_convergence_time',
      'Seconds from a new generation of config to its hand-over to all streams.',
    )
    parts.metrics.gauge('pilot_xds', 'Proxies connected over xDS.', () => this.#proxies.size)
    parts.snapshots.onGeneration(() => this.#pushAll())
  }

  get statuses(): readonly ProxyStatus[] {
    return [...this.#proxies].map(proxy => proxy.status)
  }

  /** Resolves at the next change of any proxy's status. */
  onceChanged(callback: () => void): () => void {
    this.#waiting.add(callback)
    return () => this.#waiting.delete(callback)
  }

  /** Null: refused, and the stream ended with the reason. */
  connect(claimed: ClaimedNode, caller: Caller, protocol: Protocol, connection: Connection): ConnectedProxy | null {
    const { clock, log, registry } = this.#parts
    const admission = admit(claimed, registry.workloadForProxy(claimed.node), caller)
    if (!admission.ok) {
      log.warn('proxy not permitted', { proxy: claimed.node.id, code: 'WEFT-2014', why: admission.reason })
      connection.end(grpcStatus.PERMISSION_DENIED, admission.reason)
      return null
    }
    if (this.#proxies.size >= MAX_STREAMS) {
      connection.end(grpcStatus.RESOURCE_EXHAUSTED, 'this control plane serves no more streams')
      return null
    }
    const { id, name, namespace, kind } = claimed.node
    const status = new ProxyStatus(
      {
        id,
        name,
        namespace,
        kind: claimed.form === 'grpc' ? 'grpc' : kind,
        version: claimed.version,
        connectedAt: clock.wallNow(),
      },
      () => this.#changed(),
    )
    const stream = new ProxyStream(
      {
        protocol,
        clock,
        log,
        cache: this.#cache,
        status,
        write: connection.write,
        onPush: type => this.#pushes.increment({ type: SHORT_NAME[type].toLowerCase() }),
        onReject: type => this.#rejects.increment({ type: SHORT_NAME[type].toLowerCase() }),
      },
      this.#snapshotFor(admission.node, claimed) ?? EMPTY,
    )
    const proxy = { claimed, caller, status, stream, end: connection.end, node: admission.node }
    this.#proxies.add(proxy)
    log.info('proxy connected', { proxy: id, protocol })
    this.#changed()
    return proxy
  }

  disconnect(proxy: ConnectedProxy): void {
    if (!this.#proxies.delete(proxy)) return
    proxy.stream.close()
    this.#parts.log.info('proxy disconnected', { proxy: proxy.node.id })
    this.#changed()
  }

  close(): void {
    for (const proxy of [...this.#proxies]) {
      proxy.end(grpcStatus.UNAVAILABLE, 'the control plane is stopping')
      this.disconnect(proxy)
    }
  }

  /** A round that is overtaken by a newer generation stops: the newer one reaches every stream. */
  #pushAll(): void {
    const round = ++this.#round
    const started = this.#parts.clock.now()
    this.#cache.clear()
    const queue = [...this.#proxies]
    const turn = (): void => {
      const turnStarted = this.#parts.clock.now()
      while (round === this.#round) {
        const proxy = queue.shift()
        if (proxy === undefined) {
          this.#convergence.observe((this.#parts.clock.now() - started) / 1000)
          return
        }
        if (this.#proxies.has(proxy)) this.#push(proxy)
        if (this.#parts.clock.now() - turnStarted > TURN_MS) {
          setImmediate(turn)
          return
        }
      }
    }
    turn()
  }

  /** Whether the proxy may still speak for its workload is asked anew each time: the workload may be another by now. */
  #push(proxy: ConnectedProxy): void {
    const { claimed, caller } = proxy
    const admission = admit(claimed, this.#parts.registry.workloadForProxy(claimed.node), caller)
    if (!admission.ok) {
      proxy.end(grpcStatus.PERMISSION_DENIED, admission.reason)
      this.disconnect(proxy)
      return
    }
    proxy.node = admission.node
    const snapshot = this.#snapshotFor(admission.node, claimed)
    if (snapshot !== null) proxy.stream.update(snapshot)
  }

  #snapshotFor(node: ProxyNode, claimed: ClaimedNode): ProxySnapshot | null {
    return this.#parts.snapshots.snapshotFor(node, claimed.form)
  }

  #changed(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const callback of waiting) callback()
  }
}
