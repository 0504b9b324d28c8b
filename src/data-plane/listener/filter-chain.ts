// A filter chain at run time: what it takes, how it is secured, who owns its connections.
import type { Socket } from 'node:net'
import type { ConnectionInfo } from '../connection-info.ts'
import type { ConnectionFilter } from '../filters/network/contract/connection-filter.ts'
import type { NetworkFilter } from '../filters/network/contract/network-filter.ts'
import type { DownstreamTls } from '../transport-socket/downstream-tls.ts'
import type { FilterChainMatch } from './filter-chain-match.ts'

export class FilterChain {
  readonly name: string
  readonly match: FilterChainMatch
  readonly tls: DownstreamTls | null
  /** Asked in order, before `filter` takes the connection. */
  readonly before: readonly ConnectionFilter[]
  readonly filter: NetworkFilter
  readonly handshakeTimeoutMs: number
  /** The encoded config: a chain whose config has not changed lives on through an update of its listener, as in Envoy. */
  readonly fingerprint: string
  readonly connections = new Set<Socket>()

  constructor(
    parts: Pick<FilterChain, 'name' | 'match' | 'tls' | 'before' | 'filter' | 'handshakeTimeoutMs' | 'fingerprint'>,
  ) {
    this.name = parts.name
    this.match = parts.match
    this.tls = parts.tls
    this.before = parts.before
    this.filter = parts.filter
    this.handshakeTimeoutMs = parts.handshakeTimeoutMs
    this.fingerprint = parts.fingerprint
  }

  /** Why a filter does not let the connection in, or null. */
  refusalOf(connection: ConnectionInfo): string | null {
    for (const filter of this.before) {
      const refusal = filter.onNewConnection(connection)
      if (refusal !== null) return refusal
    }
    return null
  }

  /** Ends what drain did not. */
  destroyConnections(): void {
    for (const socket of this.connections) socket.destroy()
  }
}
