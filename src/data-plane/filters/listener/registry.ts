// The listener filters there are.
import type { ListenerFilterFactory } from './contract/listener-filter.ts'
import { HTTP_INSPECTOR } from './http-inspector/factory.ts'
import { PROXY_PROTOCOL } from './proxy-protocol/factory.ts'
import { TLS_INSPECTOR } from './tls-inspector/factory.ts'

export const LISTENER_FILTERS: ReadonlyMap<string, ListenerFilterFactory> = new Map(
  [PROXY_PROTOCOL, TLS_INSPECTOR, HTTP_INSPECTOR].map(factory => [factory.typeUrl, factory]),
)
