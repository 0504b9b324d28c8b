// A network filter before the one that ends the chain: it decides on a connection before its bytes are read.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import type { ConnectionInfo } from '../../../connection-info.ts'
import type { NetworkFilterHost } from './network-filter.ts'

export interface ConnectionFilter {
  /**
   * Called once, in the chain's order, when listener filters and TLS are done. Null lets the connection go on; else it is
   * closed, for the reason given. What it finds out for the filters behind it, it notes on the connection. Must not throw
   * or wait.
   */
  onNewConnection(connection: ConnectionInfo): string | null
}

export interface ConnectionFilterFactory {
  /** Envoy's name: `envoy.filters.network.sni_cluster`. */
  readonly name: string
  readonly typeUrl: string
  readonly terminal: false
  /** `path` names the place inside the listener, for problems. */
  compile(typedConfig: Any, path: string, host: NetworkFilterHost): Parsed<ConnectionFilter>
}
