// The connection manager of one filter chain: its connections, and their drain.
import type { Socket } from 'node:net'
import type { ConnectionInfo } from '../../../connection-info.ts'
import type { ConnectionManagerConfig } from '../../../http/connection-manager-config.ts'
import { type ConnectionOwner, DownstreamConnection } from '../../../http/downstream-connection.ts'
import type { NetworkFilter } from '../contract/network-filter.ts'

export class HttpConnectionManagerFilter implements NetworkFilter, ConnectionOwner {
  readonly routeConfigurations: readonly string[]
  isDraining = false
  readonly #config: ConnectionManagerConfig
  readonly #connections = new Set<DownstreamConnection>()

  constructor(config: ConnectionManagerConfig, routeConfigurations: readonly string[]) {
    this.#config = config
    this.routeConfigurations = routeConfigurations
  }

  onConnection(socket: Socket, info: ConnectionInfo, early: Buffer | null): void {
    const connection = new DownstreamConnection(this, this.#config, socket, info)
    this.#connections.add(connection)
    connection.start(early)
    if (this.isDraining) connection.drain()
  }

  drain(): void {
    if (this.isDraining) return
    this.isDraining = true
    for (const connection of this.#connections) connection.drain()
  }

  get activeConnections(): number {
    return this.#connections.size
  }

  onConnectionClosed(connection: DownstreamConnection): void {
    this.#connections.delete(connection)
  }
}
