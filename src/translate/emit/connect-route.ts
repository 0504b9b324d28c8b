// CONNECT through a sidecar's HTTP proxy port: it ends there, and its bytes go on as TCP.
import { create } from '@bufbuild/protobuf'
import {
  type Route,
  RouteActionSchema,
  RouteSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { duration } from './durations.ts'
import type { Tunnel } from './tunnel.ts'

export function connectRoute({ clusters, idleTimeoutMs }: Tunnel): Route {
  const [only] = clusters
  const action = create(RouteActionSchema, {
    clusterSpecifier:
      clusters.length === 1
        ? { case: 'cluster', value: only!.name }
        : {
            case: 'weightedClusters',
            value: { clusters: clusters.map(({ name, weight }) => ({ name, weight })) },
          },
    timeout: duration(0),
    ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
    upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
  })
  return create(RouteSchema, {
    name: 'connect',
    match: { pathSpecifier: { case: 'connectMatcher', value: {} } },
    action: { case: 'route', value: action },
  })
}

export function refusedConnectRoute(status: number): Route {
  return create(RouteSchema, {
    name: 'connect',
    match: { pathSpecifier: { case: 'connectMatcher', value: {} } },
    action: { case: 'directResponse', value: { status } },
  })
}
