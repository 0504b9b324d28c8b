// The connection manager of one filter chain: its connections, and their drain.
import type { Socket } from 'node:net'
import type { ConnectionInfo } from '../../../connection-info.ts'
import type { ConnectionManagerConfig } from '../../../http/connection-manager-config.ts'
import { DownstreamConnection } from '../../../http/downstream-connection.ts'
import { Http2DownstreamConnection } from '../../../http/http2-downstream-connection.ts'
import type { ConnectionOwner, ManagedConnection } from '../../../http/managed-connection.ts'
import type { NetworkFilter } from '../contract/network-filter.ts'

/** As agreed between any two peers, and between two of Istio's. */
const HTTP2_ALPN: ReadonlySet<string> = new Set(['h2', 'istio-h2'])
/** Any other, Istio's plain `istio` above all, says nothing of the version: then the first bytes do. */
const HTTP1_ALPN: ReadonlySet<string> = new Set(['http/1.1', 'http/1.0', 'istio-http/1.1', 'istio-http/1.0'])

export class HttpConnectionManagerFilter implements NetworkFilter, ConnectionOwner {
  readonly routeConfigurations: readonly string[]
  isDraining = false
  sparesIdle = false
  readonly #config: ConnectionManagerConfig
  readonly #connections = new Set<ManagedConnection>()
  #drainStartedAt = 0

  constructor(config: ConnectionManagerConfig, routeConfigurations: readonly string[]) {
    this.#config = config
    this.routeConfigurations = routeConfigurations
  }

  onConnection(socket: Socket, info: ConnectionInfo, early: Buffer | null): void {
    const { codec } = this.#config
    if (codec === 'http2' || (codec === 'auto' && HTTP2_ALPN.has(info.alpn))) {
      this.#startHttp2(socket, info, early, false)
      return
    }
    const detectsHttp2 = codec === 'auto' && !HTTP1_ALPN.has(info.alpn)
    const connection = new DownstreamConnection(this, this.#config, socket, info, detectsHttp2)
    this.#connections.add(connection)
    connection.start(early)
    if (this.isDraining) connection.drain()
  }

  onHttp2Preface(connection: ManagedConnection, socket: Socket, info: ConnectionInfo, bytes: Buffer): void {
    this.#connections.delete(connection)
    this.#startHttp2(socket, info, bytes, true)
  }

  #startHttp2(socket: Socket, info: ConnectionInfo, early: Buffer | null, counted: boolean): void {
    const connection = new Http2DownstreamConnection(this, this.#config, socket, info, counted)
    this.#connections.add(connection)
    connection.start(early)
    if (this.isDraining) connection.drain()
  }

  get drainClose(): boolean {
    if (this.#config.drainHealth.failed) return true
    return this.isDraining && (!this.sparesIdle || this.#isDue)
  }

  /** The share of responses that are their connection's last grows with the time, as Envoy's (DrainManagerImpl). */
  get #isDue(): boolean {
    const { gradualDrainMs, random, clock } = this.#config
    return gradualDrainMs === 0 || random.next() * gradualDrainMs < clock.now() - this.#drainStartedAt
  }

  drain(sparesIdle = false): void {
    // Never softer than it was.
    if (this.isDraining && (sparesIdle || !this.sparesIdle)) return
    if (!this.isDraining) this.#drainStartedAt = this.#config.clock.now()
    this.isDraining = true
    this.sparesIdle = sparesIdle
    for (const connection of this.#connections) connection.drain()
  }

  get activeConnections(): number {
    return this.#connections.size
  }

  onConnectionClosed(connection: ManagedConnection): void {
    this.#connections.delete(connection)
  }
}
