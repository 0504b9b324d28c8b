// Takes new connections within the proxy's limit, and counts them.
import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ListenerFilter } from '../filters/listener/contract/listener-filter.ts'
import { LISTENER_FILTERS } from '../filters/listener/registry.ts'
import type { OverloadActions } from '../overload/overload-manager.ts'
import type { ProcessLimits, Resource } from '../process-limits/process-limits.ts'
import type { StatsScope } from '../stats/stats-scope.ts'
import type { CompiledListener } from './compiled-listener.ts'
import { IncomingConnection, type IncomingHost } from './incoming-connection.ts'
import type { ListenerStats } from './listener-stats.ts'
import { TLS_INSPECTOR } from './tls-inspector-config.ts'

/** The connections of this loop, in any state; Envoy's overload manager bounds those of the process. */
export class DownstreamConnections {
  readonly open = new Set<Socket>()
  readonly #max: number
  readonly #resource: Resource

  constructor(max: number, limits: ProcessLimits) {
    this.#max = max
    this.#resource = limits.resource('downstream connections', { value: 0 })
  }

  /** `ignoresLimit`: one more than there may be, but counted. */
  claim(ignoresLimit: boolean): boolean {
    if (!ignoresLimit) return this.#resource.claim(this.#max)
    this.#resource.add()
    return true
  }

  /** It has been claimed. */
  add(socket: Socket): void {
    this.open.add(socket)
  }

  delete(socket: Socket): void {
    this.open.delete(socket)
    this.#resource.release()
  }

  destroyAll(): void {
    for (const socket of this.open) socket.destroy()
  }
}

export interface AcceptorHost {
  readonly clock: Clock
  readonly log: Log
  readonly stats: StatsScope
  readonly connections: DownstreamConnections
  readonly overload: OverloadActions
  nextConnectionId(): number
}

const ignore = (): void => {}

export class ConnectionAcceptor {
  readonly #connections: DownstreamConnections
  readonly #overload: OverloadActions
  readonly #incoming: IncomingHost

  constructor(host: AcceptorHost) {
    this.#connections = host.connections
    this.#overload = host.overload
    this.#incoming = { ...host, clientHelloReader: clientHelloReader(host.stats) }
  }

  accept(socket: Socket, listener: CompiledListener, stats: ListenerStats): void {
    // A reset may come while nobody owns the connection.
    socket.on('error', ignore)
    const connections = this.#connections
    stats.cxTotal.value += 1
    if (this.#overload.rejectIncomingConnections) {
      stats.cxOverloadReject.value += 1
      socket.destroy()
      return
    }
    if (!connections.claim(listener.ignoresConnectionLimit)) {
      stats.cxOverflow.value += 1
      socket.destroy()
      return
    }
    connections.add(socket)
    const { keepalive } = listener
    if (keepalive !== null)
      socket.setKeepAlive(true, keepalive.timeSeconds * 1000, keepalive.intervalSeconds * 1000, keepalive.probes)
    stats.cxActive.value += 1
    socket.once('close', () => {
      connections.delete(socket)
      stats.cxActive.value -= 1
      stats.cxDestroy.value += 1
    })
    new IncomingConnection(socket, listener, stats, this.#incoming).start()
  }
}

function clientHelloReader(stats: StatsScope): ListenerFilter {
  const compiled = LISTENER_FILTERS.get(TLS_INSPECTOR.typeUrl)?.compile(TLS_INSPECTOR, '', stats)
  if (!compiled?.ok) throw new Error('the TLS inspector is missing')
  return compiled.value
}
