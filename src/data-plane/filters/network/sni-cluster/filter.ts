// Sends a connection to the cluster that its server name names.
import type { ConnectionInfo } from '../../../connection-info.ts'
import type { ConnectionFilter } from '../contract/connection-filter.ts'

export class SniClusterFilter implements ConnectionFilter {
  onNewConnection(connection: ConnectionInfo): string | null {
    if (connection.requestedServerName !== '') connection.tcpProxyCluster = connection.requestedServerName
    return null
  }
}
