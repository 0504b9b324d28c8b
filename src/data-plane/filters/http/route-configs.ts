// What routes may say to filters: found by its type, as the chain it will meet is not known when a route is compiled.
import type { RouteConfigFactories, RouteConfigFactory } from '../../route/route-filters.ts'
import type { RouteConfigHost, RouteConfigReader } from './contract/http-filter-factory.ts'
import { HTTP_FILTERS } from './registry.ts'

export function routeConfigFactories(host: RouteConfigHost): RouteConfigFactories {
  const factories = new Map<string, RouteConfigFactory>()
  for (const filter of HTTP_FILTERS) {
    if (filter.terminal || filter.routeConfig === undefined) continue
    factories.set(filter.routeConfig.typeUrl, forHost(filter.routeConfig, host))
  }
  return typeUrl => factories.get(typeUrl)
}

function forHost(reader: RouteConfigReader, host: RouteConfigHost): RouteConfigFactory {
  return {
    compileRouteConfig: typedConfig => reader.compile(typedConfig, host),
    ...(reader.combine && { combineRouteConfigs: reader.combine }),
  }
}
