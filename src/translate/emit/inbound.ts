// What peers connect to: a listener and a cluster for each port of the workload.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { Origin } from '../../model/origin.ts'
import { familyOf, type PortProtocol, type ProtocolFamily } from '../../model/port-protocol.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import type { ServerTls } from '../../model/server-tls.ts'
import type { EffectivePolicy } from '../../model/traffic-policy.ts'
import type { Workload } from '../../model/workload.ts'
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { TrafficDirection } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { type Listener, ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { RouteSchema, VirtualHostSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import type { EnvoyPatches } from '../link/envoy-filters.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import type { PeerPolicy } from '../link/peer-policies.ts'
import { originOf } from '../link/precedence.ts'
import { circuitBreakers } from './cluster-limits.ts'
import { policyFor } from './cluster-policy.ts'
import { inboundManager } from './connection-manager.ts'
import { duration } from './durations.ts'
import { patchedFilters, patchVirtualHosts } from './envoy-patches.ts'
import { hboneResources } from './hbone.ts'
import { inboundChains, ownTlsChain } from './inbound-chains.ts'
import { type InboundPort, inboundPorts } from './inbound-ports.ts'
import { loadAssignment } from './load-assignment.ts'
import { rateLimitFilters, standardHeaders } from './rate-limit-filters.ts'
import { inboundCluster } from './resource-names.ts'
import { inboundRetryPolicy } from './retry-policy.ts'
import { routeTimeouts } from './route-timeouts.ts'
import type { InboundResources, ServedPort } from './served-port.ts'
import { socketAddress } from './socket-address.ts'
import { statName } from './stat-name.ts'
import { applyTcpKeepalive } from './tcp-keepalive.ts'
import { tcpProxy } from './tcp-proxy.ts'
import { tunnelInto } from './tunnel.ts'
import { httpProtocolOptions, type UpstreamVersion } from './upstream-version.ts'

/** To the application: what the port is said to speak; where nothing is, what the request came in. */
const VERSIONS: Readonly<Record<ProtocolFamily, UpstreamVersion | undefined>> = {
  http1: 'http1',
  http2: 'http2',
  undeclared: 'client',
  tcp: undefined,
}

export function inboundResources(mesh: LinkedMesh, workload: Workload): InboundResources {
  const listeners: XdsResource<Listener>[] = []
  const clusters: XdsResource<Cluster>[] = []
  const served: ServedPort[] = []
  for (const inbound of inboundPorts(mesh, workload)) {
    const policy = mesh.peerPolicies.of(workload.namespace, workload.labels, inbound.port.number)
    // A port's own TLS has no place beside the mesh's; where it ends, what is inside goes on.
    const tls = policy.mode === 'DISABLE' ? inbound.tls : null
    const family = familyOf(tls ? insideTls(inbound.protocol) : inbound.protocol)
    clusters.push(cluster(mesh, workload, inbound, family))
    const port = servedPort(mesh, workload, inbound, family, policy, tls)
    listeners.push(listener(mesh, port))
    served.push(port)
  }
  const tunnelled = hboneResources(mesh, workload, served)
  return {
    listeners: [...listeners, ...tunnelled.listeners],
    clusters: [...clusters, ...tunnelled.clusters],
  }
}

function insideTls(protocol: PortProtocol): PortProtocol {
  return protocol === 'HTTPS' ? 'HTTP' : 'TCP'
}

function cluster(
  mesh: LinkedMesh,
  workload: Workload,
  inbound: InboundPort,
  family: ProtocolFamily,
): XdsResource<Cluster> {
  const { port, application } = inbound
  const name = inboundCluster(port.number)
  const version = VERSIONS[family]
  const { connectionPool, retryBudget, origins } = serverPolicy(mesh, workload, inbound)
  const options = version && httpProtocolOptions(mesh.input.meshConfig, connectionPool, version)
  const front = mesh.inboundProtocols.frontOf(workload, port)
  const { inboundClusterStatName } = mesh.input.meshConfig
  const message = create(ClusterSchema, {
    name,
    altStatName: front ? statName(inboundClusterStatName, front.service, front.port, '', port.number) : '',
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: duration(connectionPool?.connectTimeoutMs ?? mesh.input.meshConfig.connectTimeoutMs),
    circuitBreakers: circuitBreakers(connectionPool, retryBudget),
    loadAssignment: loadAssignment(name, application ? [{ ...APPLICATION, ...application }] : []),
    ...(options ? { typedExtensionProtocolOptions: options } : {}),
  })
  applyTcpKeepalive(message, mesh.input.meshConfig, connectionPool?.tcpKeepalive)
  return { name, message, origins }
}

const APPLICATION = {
  labels: {},
  locality: { region: '', zone: '', subZone: '' },
  weight: 1,
  mutualTls: false,
  healthy: true,
  workload: '',
}

/** Of a rule for the service in front, the connection pool holds for the server's own sidecar, too, and nothing else does. */
function serverPolicy(
  mesh: LinkedMesh,
  workload: Workload,
  { port, connectionPool: own, origins }: InboundPort,
): Pick<EffectivePolicy, 'connectionPool' | 'retryBudget'> & { readonly origins: readonly Origin[] } {
  const front = mesh.inboundProtocols.frontOf(workload, port)
  // Rules for some clients are not asked: a server is none (Istio's SidecarScope.DestinationRule).
  const rule = front && mesh.destinationRules.of(front.service, workload.namespace, {})
  const policy = front && rule ? policyFor(front.port.number, rule.trafficPolicy, null, {}) : {}
  const { connectionPool = undefined, retryBudget = undefined } = policy
  const pool = own ?? connectionPool
  return {
    ...(pool ? { connectionPool: pool } : {}),
    ...(retryBudget ? { retryBudget } : {}),
    origins: [...origins, ...(rule && (connectionPool || retryBudget) ? rule.origins : [])],
  }
}

function servedPort(
  mesh: LinkedMesh,
  workload: Workload,
  { port, bind, origins }: InboundPort,
  family: ProtocolFamily,
  policy: PeerPolicy,
  tls: ServerTls | null,
): ServedPort {
  const name = `${bind}_${port.inboundPort}`
  const { meshConfig } = mesh.input
  const limits = mesh.rateLimits.of(workload.namespace, workload.labels)
  const patches = mesh.envoyFilters.of(workload.namespace, workload.labels, 'SIDECAR_INBOUND')
  const filters = patchedFilters(patches, port.number, rateLimitFilters(limits))
  const routes = inboundRoutes(meshConfig, port.number, patches)
  const carriers = {
    http: [inboundManager(meshConfig, `inbound_${name}`, routes, filters)],
    tcp: [tcpProxy(meshConfig, tunnelInto(inboundCluster(port.number)))],
  }
  return {
    port,
    bind,
    name,
    family,
    mode: policy.mode,
    tls,
    carriers,
    chainFields: standardHeaders(limits),
    origins: [...origins, ...(policy.origin ? [policy.origin] : []), ...limits.map(originOf), ...patches.origins],
  }
}

function listener(
  mesh: LinkedMesh,
  { port, bind, name, family, mode, tls, carriers, chainFields, origins }: ServedPort,
): XdsResource<Listener> {
  const { meshConfig } = mesh.input
  const chains = tls
    ? ownTlsChain(meshConfig, name, family, tls, carriers)
    : inboundChains(name, family, mode, carriers, meshConfig.protocolDetectionTimeoutMs)
  const message = create(ListenerSchema, {
    name,
    address: socketAddress(bind, port.inboundPort),
    trafficDirection: TrafficDirection.INBOUND,
    ...chains,
    filterChains: chains.filterChains.map(chain => ({ ...chain, ...chainFields })),
  })
  return { name, message, origins }
}

function inboundRoutes(meshConfig: MeshConfig, port: number, patches: EnvoyPatches): RouteConfiguration {
  const policy = inboundRetryPolicy(meshConfig.defaultInboundHttpRetryPolicy)
  const route = create(RouteSchema, {
    name: 'default',
    match: { pathSpecifier: { case: 'prefix', value: '/' } },
    action: {
      case: 'route',
      value: {
        clusterSpecifier: { case: 'cluster', value: inboundCluster(port) },
        ...routeTimeouts(0),
        ...(policy ? { retryPolicy: policy } : {}),
      },
    },
  })
  const host = create(VirtualHostSchema, { name: `inbound|http|${port}`, domains: ['*'], routes: [route] })
  return create(RouteConfigurationSchema, {
    name: inboundCluster(port),
    virtualHosts: [...patchVirtualHosts(patches, inboundCluster(port), port, [host])],
    validateClusters: false,
  })
}
