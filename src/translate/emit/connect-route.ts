// CONNECT through a sidecar's HTTP proxy port: it ends there, and its bytes go on as TCP.
import { create } from '@bufbuild/protobuf'
import { type Route, RouteSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { duration } from './durations.ts'

/** `idleTimeoutMs` undefined: none. */
export function connectRoute(cluster: string, idleTimeoutMs: number | undefined, hashesSourceIp = false): Route {
  return create(RouteSchema, {
    name: 'connect',
    match: { pathSpecifier: { case: 'connectMatcher', value: {} } },
    action: {
      case: 'route',
      value: {
        clusterSpecifier: { case: 'cluster', value: cluster },
        timeout: duration(0),
        ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
        ...(hashesSourceIp
          ? { hashPolicy: [{ policySpecifier: { case: 'connectionProperties', value: { sourceIp: true } } }] }
          : {}),
        upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
      },
    },
  })
}

export function refusedConnectRoute(status: number): Route {
  return create(RouteSchema, {
    name: 'connect',
    match: { pathSpecifier: { case: 'connectMatcher', value: {} } },
    action: { case: 'directResponse', value: { status } },
  })
}
