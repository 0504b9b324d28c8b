// The network filters there are, by type URL.
import type { NetworkFilterFactory } from './contract/network-filter.ts'
import { HTTP_CONNECTION_MANAGER } from './http-connection-manager/factory.ts'
import { TCP_PROXY } from './tcp-proxy/factory.ts'

export const NETWORK_FILTERS: ReadonlyMap<string, NetworkFilterFactory> = new Map(
  [HTTP_CONNECTION_MANAGER, TCP_PROXY].map(factory => [factory.typeUrl, factory]),
)
