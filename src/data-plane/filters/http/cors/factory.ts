// The CORS filter, for the registry.
import { combineCorsPolicies } from '../../../route/compile-cors-policy.ts'
import type { CorsPolicy } from '../../../route/cors-policy.ts'
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { compileCors, compileRoutePolicy } from './config.ts'
import { CorsFilter, type CorsTools } from './filter.ts'

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http.cors.v3'

export const CORS: HttpFilterFactory = {
  name: 'envoy.filters.http.cors',
  typeUrl: `${TYPES}.Cors`,
  terminal: false,
  compile(typedConfig, host) {
    const config = compileCors(typedConfig)
    if (!config.ok) return config
    const scope = host.connectionManagerStats.scope('cors')
    const tools: CorsTools = {
      name: host.filterName,
      random: host.proxy.random,
      originValid: scope.counter('origin_valid'),
      originInvalid: scope.counter('origin_invalid'),
    }
    return {
      ok: true,
      value: {
        name: host.filterName,
        events: ['decodeHeaders', 'encodeHeaders'],
        createFilter: stream => new CorsFilter(stream, tools),
      },
    }
  },
  routeConfig: {
    typeUrl: `${TYPES}.CorsPolicy`,
    compile: compileRoutePolicy,
    combine: levels => combineCorsPolicies(levels as readonly CorsPolicy[]),
  },
}
