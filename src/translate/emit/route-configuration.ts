// Route configurations, and the virtual host for whatever no other takes.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { Origin } from '../../model/origin.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import {
  type Route,
  RouteSchema,
  type VirtualHost,
  VirtualHostSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import type { ClientScope } from '../link/client-scope.ts'
import { connectRoute, refusedConnectRoute } from './connect-route.ts'
import { routeTimeouts } from './route-timeouts.ts'
import { strangersCluster } from './strangers.ts'
import { tunnelInto } from './tunnel.ts'

const BLOCKED = 502
const MAX_DIRECT_RESPONSE_BYTES = 1_048_576

export function virtualHost(name: string, domains: readonly string[], routes: readonly Route[]): VirtualHost {
  return create(VirtualHostSchema, {
    name,
    domains: [...domains],
    routes: [...routes],
  })
}

export function routeConfiguration(
  { defaultConfig: { proxyHeaders } }: MeshConfig,
  name: string,
  virtualHosts: readonly VirtualHost[],
  origins: readonly Origin[],
  ignorePort: boolean,
): XdsResource<RouteConfiguration> {
  const message = create(RouteConfigurationSchema, {
    name,
    virtualHosts: virtualHosts.map(host => ({ ...host, includeRequestAttemptCount: proxyHeaders.attemptCount })),
    // A cluster that does not exist is a 503 at run time, not a refused config.
    validateClusters: false,
    maxDirectResponseBodySizeBytes: MAX_DIRECT_RESPONSE_BYTES,
    ignorePortInHostMatching: ignorePort,
  })
  return { name, message, origins: distinctOrigins(origins) }
}

/** outboundTrafficPolicy: hosts that nobody knows are let through, or answered 502. `connects`: CONNECT too. */
export function unknownHosts(scope: ClientScope, connects: boolean): VirtualHost {
  const match = { pathSpecifier: { case: 'prefix', value: '/' } } as const
  const cluster = strangersCluster(scope)
  if (cluster === null) {
    const block = create(RouteSchema, {
      name: 'block_all',
      match,
      action: { case: 'directResponse', value: { status: BLOCKED } },
    })
    return virtualHost('block_all', ['*'], connects ? [refusedConnectRoute(BLOCKED), block] : [block])
  }
  const allow = create(RouteSchema, {
    name: 'allow_any',
    match,
    action: {
      case: 'route',
      value: { clusterSpecifier: { case: 'cluster', value: cluster }, ...routeTimeouts(0) },
    },
  })
  return virtualHost('allow_any', ['*'], connects ? [connectRoute(tunnelInto(cluster)), allow] : [allow])
}

function distinctOrigins(origins: readonly Origin[]): readonly Origin[] {
  const seen = new Map(origins.map(origin => [`${origin.kind}/${origin.namespace}/${origin.name}`, origin]))
  return [...seen.values()]
}
