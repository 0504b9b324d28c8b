// rbac, for the registry.
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { compileRbac, compileRouteRbac } from './config.ts'
import { RbacFilter } from './filter.ts'

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3'

export const RBAC: HttpFilterFactory = {
  name: 'envoy.filters.http.rbac',
  typeUrl: `${TYPES}.RBAC`,
  terminal: false,
  compile(typedConfig, host) {
    const config = compileRbac(typedConfig, host.connectionManagerStats)
    if (!config.ok) return config
    const name = host.filterName
    return {
      ok: true,
      value: {
        name,
        events: ['decodeHeaders'],
        createFilter: stream => new RbacFilter(stream, name, config.value),
      },
    }
  },
  routeConfig: { typeUrl: `${TYPES}.RBACPerRoute`, compile: compileRouteRbac },
}
