// The TCP proxy of one filter chain: its connections.
import type { Socket } from 'node:net'
import type { ConnectionInfo } from '../../../connection-info.ts'
import type { AheadObserver, ConnectionAhead, NetworkFilter } from '../contract/network-filter.ts'
import type { TcpProxyConfig } from './config.ts'
import { TcpSession } from './tcp-session.ts'

export class TcpProxyFilter implements NetworkFilter {
  readonly routeConfigurations: readonly string[] = []
  readonly #config: TcpProxyConfig
  readonly #sessions = new Set<TcpSession>()
  readonly #forget = (session: TcpSession): void => void this.#sessions.delete(session)

  constructor(config: TcpProxyConfig) {
    this.#config = config
  }

  onConnection(socket: Socket, info: ConnectionInfo, early: Buffer | null): void {
    this.#start(new TcpSession(this.#config, info), socket, early)
  }

  connectAhead(info: ConnectionInfo, observer: AheadObserver): ConnectionAhead | null {
    const session = new TcpSession(this.#config, info)
    if (!session.connectAhead(observer)) return null
    return { take: (socket, early) => this.#start(session, socket, early), abandon: () => session.close() }
  }

  /** Bytes have no end to wait for: connections go on until they end by themselves, or the drain time is over (as in Envoy). */
  drain(): void {}

  get activeConnections(): number {
    return this.#sessions.size
  }

  #start(session: TcpSession, socket: Socket, early: Buffer | null): void {
    this.#sessions.add(session)
    session.start(socket, early, this.#forget)
  }
}
