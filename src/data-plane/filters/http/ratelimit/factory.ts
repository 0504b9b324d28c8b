// ratelimit, for the registry.
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { tellsStandard } from '../contract/weft-filter-metadata.ts'
import { compileRateLimit, compileRouteRateLimits } from './config.ts'
import { RateLimitFilter, type RateLimitTools } from './filter.ts'

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3'

export const RATELIMIT: HttpFilterFactory = {
  name: 'envoy.filters.http.ratelimit',
  typeUrl: `${TYPES}.RateLimit`,
  terminal: false,
  compile(typedConfig, host) {
    const settings = compileRateLimit(typedConfig, host)
    if (!settings.ok) return settings
    const tools: RateLimitTools = {
      name: host.filterName,
      settings: settings.value,
      ownCluster: host.proxy.serviceCluster,
      tellsStandard: tellsStandard(host),
    }
    return {
      ok: true,
      value: {
        name: host.filterName,
        events: ['decodeHeaders', 'decodeData', 'decodeTrailers', 'encodeHeaders', 'onDestroy'],
        createFilter: stream => new RateLimitFilter(stream, tools),
      },
    }
  },
  routeConfig: { typeUrl: `${TYPES}.RateLimitPerRoute`, compile: compileRouteRateLimits },
}
