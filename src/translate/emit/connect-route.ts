// CONNECT through a sidecar's HTTP proxy port: it ends there, and its bytes go on as TCP; or, where a rule has bytes travel
// in a CONNECT of its own, as that one.
import { create } from '@bufbuild/protobuf'
import { type Route, RouteSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { duration } from './durations.ts'
import type { BytesPolicy } from './tcp-proxy.ts'

const NOT_IMPLEMENTED = 501

export function connectRoute(
  cluster: string,
  { idleTimeoutMs, maxDurationMs, tunnel, hashesSourceIp }: BytesPolicy,
): Route {
  // A CONNECT does not become a POST on its way.
  if (tunnel?.method === 'POST') return refusedConnectRoute(NOT_IMPLEMENTED)
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
        ...(maxDurationMs === undefined ? {} : { maxStreamDuration: { maxStreamDuration: duration(maxDurationMs) } }),
        upgradeConfigs: [{ upgradeType: 'CONNECT', ...(tunnel ? {} : { connectConfig: {} }) }],
        ...(tunnel
          ? { hostRewriteSpecifier: { case: 'hostRewriteLiteral', value: `${tunnel.targetHost}:${tunnel.targetPort}` } }
          : {}),
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
