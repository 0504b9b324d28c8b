// CONNECT through a sidecar's HTTP proxy port: it ends there, and its bytes go on as TCP; or, where a rule has bytes travel
// in a CONNECT of its own, as that one.
import { create } from '@bufbuild/protobuf'
import {
  type Route,
  RouteActionSchema,
  RouteSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { duration } from './durations.ts'
import type { Tunnel } from './tunnel.ts'

const NOT_IMPLEMENTED = 501

export function connectRoute({ clusters, policy }: Tunnel): Route {
  const { idleTimeoutMs, maxDurationMs, tunnel, hashesSourceIp } = policy
  // A CONNECT does not become a POST on its way.
  if (tunnel?.method === 'POST') return refusedConnectRoute(NOT_IMPLEMENTED)
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
    ...(hashesSourceIp
      ? { hashPolicy: [{ policySpecifier: { case: 'connectionProperties' as const, value: { sourceIp: true } } }] }
      : {}),
    ...(maxDurationMs === undefined ? {} : { maxStreamDuration: { maxStreamDuration: duration(maxDurationMs) } }),
    upgradeConfigs: [{ upgradeType: 'CONNECT', ...(tunnel ? {} : { connectConfig: {} }) }],
    ...(tunnel
      ? { hostRewriteSpecifier: { case: 'hostRewriteLiteral', value: `${tunnel.targetHost}:${tunnel.targetPort}` } }
      : {}),
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
