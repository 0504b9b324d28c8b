// The network filters there are, by type URL.
import type { ConnectionFilterFactory } from './contract/connection-filter.ts'
import type { NetworkFilterFactory } from './contract/network-filter.ts'
import { HTTP_CONNECTION_MANAGER } from './http-connection-manager/factory.ts'
import { SNI_CLUSTER } from './sni-cluster/factory.ts'
import { TCP_PROXY } from './tcp-proxy/factory.ts'

export const NETWORK_FILTERS: ReadonlyMap<string, NetworkFilterFactory | ConnectionFilterFactory> = new Map(
  [HTTP_CONNECTION_MANAGER, SNI_CLUSTER, TCP_PROXY].map(factory => [factory.typeUrl, factory]),
)
