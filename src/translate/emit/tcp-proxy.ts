// Relays a connection's bytes to a cluster.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { UpstreamTunnel } from '../../model/upstream-policy.ts'
import { packAny } from '../../xds/any-pack.ts'
import { type Filter, FilterSchema } from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import { TcpProxySchema } from '../../xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import { accessLogs } from './access-log.ts'
import { duration } from './durations.ts'

/** Of a DestinationRule, as far as it concerns bytes; undefined: it does not say. */
export interface BytesPolicy {
  readonly idleTimeoutMs?: number | undefined
  readonly maxDurationMs?: number | undefined
  readonly tunnel?: UpstreamTunnel | undefined
  /** A client keeps to one endpoint. */
  readonly hashesSourceIp?: boolean
}

/** Envoy closes it after an idle hour, unless told otherwise. */
export function tcpProxy(meshConfig: MeshConfig, cluster: string, policy: BytesPolicy = {}): Filter {
  const { idleTimeoutMs, maxDurationMs, tunnel, hashesSourceIp } = policy
  const config = create(TcpProxySchema, {
    statPrefix: cluster,
    clusterSpecifier: { case: 'cluster', value: cluster },
    accessLog: accessLogs(meshConfig),
    ...(hashesSourceIp ? { hashPolicy: [{ policySpecifier: { case: 'sourceIp', value: {} } }] } : {}),
    ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
    ...(maxDurationMs === undefined ? {} : { maxDownstreamConnectionDuration: duration(maxDurationMs) }),
    ...(tunnel === undefined ? {} : { tunnelingConfig: tunnelingConfig(tunnel) }),
  })
  return create(FilterSchema, {
    name: 'envoy.filters.network.tcp_proxy',
    configType: { case: 'typedConfig', value: packAny(TcpProxySchema, config) },
  })
}

function tunnelingConfig({ method, targetHost, targetPort }: UpstreamTunnel) {
  return { hostname: `${targetHost}:${targetPort}`, usePost: method === 'POST' }
}
