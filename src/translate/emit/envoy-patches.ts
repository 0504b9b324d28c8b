// What EnvoyFilters add to the resources of a proxy: filters among its HTTP filters, rate limits to its routes.
import { clone, fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import type { RoutePatch } from '../../model/envoy-filter.ts'
import {
  RateLimitSchema,
  type Route,
  RouteSchema,
  type VirtualHost,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import {
  type HttpFilter,
  HttpFilterSchema,
} from '../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { RATE_LIMIT_MESSAGES } from '../../xds/rate-limit-messages.ts'
import type { EnvoyPatches } from '../link/envoy-filters.ts'
import type { PolicyFilters } from './connection-manager.ts'

const JSON_OPTIONS = { registry: RATE_LIMIT_MESSAGES }

/** `own`: the policies' that stand before the router anyway. Of several that are put first the last is (Envoy's lists). */
export function patchedFilters(patches: EnvoyPatches, port: number, own: readonly HttpFilter[]): PolicyFilters {
  const first: HttpFilter[] = []
  const last = [...own]
  for (const { port: only, beforeRouter, filter } of patches.filters) {
    if (only !== 0 && only !== port) continue
    const message = fromJson(HttpFilterSchema, filter as JsonObject, JSON_OPTIONS)
    if (beforeRouter) last.push(message)
    else first.unshift(message)
  }
  return { first, last }
}

/** The hosts of the route configuration `name` for `port`, with what is merged into them; others stay as they are. */
export function patchVirtualHosts(
  patches: EnvoyPatches,
  name: string,
  port: number,
  hosts: readonly VirtualHost[],
): readonly VirtualHost[] {
  const concerned = patches.routes.filter(
    patch => (patch.port === 0 || patch.port === port) && (patch.configuration === '' || patch.configuration === name),
  )
  for (const host of hosts)
    for (const patch of concerned) {
      if (patch.virtualHost !== '' && patch.virtualHost !== host.name) continue
      if (patch.kind === 'virtual-host') merge(host, host, patch)
      else host.routes = host.routes.map(route => (matches(patch, route) ? patchedRoute(route, patch) : route))
    }
  return hosts
}

function matches({ route: name, action }: RoutePatch, route: Route): boolean {
  if (name !== '' && name !== route.name) return false
  switch (action) {
    case 'ROUTE':
      return route.action.case === 'route'
    case 'REDIRECT':
      return route.action.case === 'redirect'
    case 'DIRECT_RESPONSE':
      return route.action.case === 'directResponse'
    default:
      return true
  }
}

/** Several hosts may share a route, and each has it patched once. */
function patchedRoute(shared: Route, patch: RoutePatch): Route {
  const route = clone(RouteSchema, shared)
  merge(route.action.case === 'route' ? route.action.value : null, route, patch)
  return route
}

/** Lists are appended to, entries of maps replaced, as protobuf merges. */
function merge(
  limited: Pick<VirtualHost, 'rateLimits'> | null,
  level: Pick<VirtualHost, 'typedPerFilterConfig'>,
  { rateLimits, perFilter }: RoutePatch,
): void {
  for (const json of rateLimits) limited?.rateLimits.push(fromJson(RateLimitSchema, json as JsonObject, JSON_OPTIONS))
  for (const [name, json] of Object.entries(perFilter))
    level.typedPerFilterConfig[name] = fromJson(AnySchema, json as JsonValue, JSON_OPTIONS)
}
