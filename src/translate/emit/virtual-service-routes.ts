// The routes of one VirtualService for one listener: rules that are not for this client are left out here.
import { create } from '@bufbuild/protobuf'
import type { HttpMatch } from '../../model/http-match.ts'
import type { HttpRoute } from '../../model/http-route.ts'
import { type Route, RouteSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { selects } from '../link/label-selector.ts'
import { type LinkedVirtualService, resolveGateway } from '../link/linked-virtual-service.ts'
import { istioMetadata } from './istio-metadata.ts'
import { comparisonMetadata } from './mirror-policies.ts'
import { configPath } from './resource-names.ts'
import { routeParts } from './route-action.ts'
import { fallbackMetadata } from './route-fallback.ts'
import { routeFilterConfigs } from './route-filter-configs.ts'
import { isCatchAll, routeMatch } from './route-match.ts'
import type { RouteSurroundings } from './route-surroundings.ts'

/** In the order written; nothing after a route that matches everything. Empty when no rule is for this client. */
export function virtualServiceRoutes(service: LinkedVirtualService, surroundings: RouteSurroundings): readonly Route[] {
  const routes: Route[] = []
  for (const rule of service.http) {
    const matches: readonly (HttpMatch | undefined)[] = rule.matches.length === 0 ? [undefined] : rule.matches
    for (const match of matches) {
      if (match && !isForClient(match, service, surroundings)) continue
      const route = makeRoute(service, rule, match, surroundings)
      routes.push(route)
      if (isCatchAll(route.match)) return routes
    }
  }
  return routes
}

/** Port, source and gateways are known to the control plane, so that they cost nothing per request. */
function isForClient(match: HttpMatch, service: LinkedVirtualService, surroundings: RouteSurroundings): boolean {
  if (match.port !== undefined && match.port !== surroundings.port) return false
  // With gateways named, the source is not looked at.
  if (match.gateways.length > 0)
    return match.gateways.some(gateway => surroundings.gateways.has(resolveGateway(gateway, service.namespace)))
  const fromNamespace = match.sourceNamespace === '' || match.sourceNamespace === surroundings.clientNamespace
  return fromNamespace && selects(match.sourceLabels, surroundings.clientLabels)
}

function makeRoute(
  service: LinkedVirtualService,
  rule: HttpRoute,
  match: HttpMatch | undefined,
  surroundings: RouteSurroundings,
): Route {
  const metadata = istioMetadata({ config: configPath('virtual-service', service.namespace, service.name) })
  const own = {
    ...(rule.fallback ? fallbackMetadata(rule.fallback, surroundings) : {}),
    ...(rule.mirrorComparison ? comparisonMetadata(rule.mirrorComparison) : {}),
  }
  if (Object.keys(own).length > 0) metadata.filterMetadata['weft.dev'] = own
  return create(RouteSchema, {
    name: match && match.name !== '' ? `${rule.name}.${match.name}` : rule.name,
    match: routeMatch(match),
    statPrefix: match?.statPrefix ?? '',
    metadata,
    ...routeParts(rule, surroundings),
    typedPerFilterConfig: routeFilterConfigs(rule),
  })
}

/** Gateways merge several VirtualServices into one virtual host; what matches everything goes last. */
export function catchAllLast(routes: readonly Route[]): readonly Route[] {
  return [...routes.filter(route => !isCatchAll(route.match)), ...routes.filter(route => isCatchAll(route.match))]
}
