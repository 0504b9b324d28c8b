// The router, for the registry.
import type { TerminalFilterFactory } from '../contract/http-filter-factory.ts'
import { compileRouter } from './config.ts'
import { RouterFilter } from './filter.ts'

export const ROUTER: TerminalFilterFactory = {
  name: 'envoy.filters.http.router',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
  terminal: true,
  compile(typedConfig, host) {
    const parsed = compileRouter(typedConfig, host)
    if (!parsed.ok) return parsed
    const config = parsed.value
    return { ok: true, value: { name: ROUTER.name, createTerminalFilter: stream => new RouterFilter(stream, config) } }
  },
}
