// The buffer filter, for the registry.
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { compileBuffer, compileRouteBuffer } from './config.ts'
import { BufferFilter } from './filter.ts'

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3'

export const BUFFER: HttpFilterFactory = {
  name: 'envoy.filters.http.buffer',
  typeUrl: `${TYPES}.Buffer`,
  terminal: false,
  compile(typedConfig, host) {
    const settings = compileBuffer(typedConfig)
    if (!settings.ok) return settings
    const name = host.filterName
    return {
      ok: true,
      value: {
        name,
        events: ['decodeHeaders', 'decodeData'],
        createFilter: stream => new BufferFilter(stream, name, settings.value),
      },
    }
  },
  routeConfig: { typeUrl: `${TYPES}.BufferPerRoute`, compile: compileRouteBuffer },
}
