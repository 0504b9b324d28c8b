// The listener filters there are.
import type { ListenerFilterFactory } from './contract/listener-filter.ts'
import { HTTP_INSPECTOR } from './http-inspector/factory.ts'
import { TLS_INSPECTOR } from './tls-inspector/factory.ts'

export const LISTENER_FILTERS: ReadonlyMap<string, ListenerFilterFactory> = new Map(
  [TLS_INSPECTOR, HTTP_INSPECTOR].map(factory => [factory.typeUrl, factory]),
)
