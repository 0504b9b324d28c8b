// local_ratelimit, for the registry.
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { tellsStandard } from '../contract/weft-filter-metadata.ts'
import { compileRateLimit, compileRouteRateLimit } from './config.ts'
import { LocalRateLimitFilter, type RateLimitTools } from './filter.ts'

const TYPE_URL = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit'

export const LOCAL_RATELIMIT: HttpFilterFactory = {
  name: 'envoy.filters.http.local_ratelimit',
  typeUrl: TYPE_URL,
  terminal: false,
  compile(typedConfig, host) {
    const config = compileRateLimit(typedConfig, host.proxy)
    if (!config.ok) return config
    const { clock, random, serviceCluster } = host.proxy
    const tools: RateLimitTools = {
      name: host.filterName,
      config: config.value,
      clock,
      random,
      ownCluster: serviceCluster,
      tellsStandard: tellsStandard(host),
    }
    return {
      ok: true,
      value: {
        name: host.filterName,
        events: ['decodeHeaders', 'encodeHeaders'],
        createFilter: stream => new LocalRateLimitFilter(stream, tools),
      },
    }
  },
  routeConfig: { typeUrl: TYPE_URL, compile: compileRouteRateLimit },
}
