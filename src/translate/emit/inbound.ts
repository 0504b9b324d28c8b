// What peers connect to: a listener and a cluster for each port of the workload.
import { create } from '@bufbuild/protobuf'
import type { MutualTlsMode } from '../../model/peer-authentication.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import type { Workload, WorkloadPort } from '../../model/workload.ts'
import { packAny } from '../../xds/any-pack.ts'
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { TrafficDirection } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  type FilterChain,
  FilterChainSchema,
  type ListenerFilter,
  ListenerFilterSchema,
} from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import { type Listener, ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { RouteSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { TlsInspectorSchema } from '../../xds/generated/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { circuitBreakers } from './cluster-limits.ts'
import { inboundManager } from './connection-manager.ts'
import { duration } from './durations.ts'
import { loadAssignment } from './load-assignment.ts'
import { downstreamTls, ISTIO_ALPN } from './mutual-tls.ts'
import { inboundCluster } from './resource-names.ts'
import { inboundRetryPolicy } from './retry-policy.ts'
import { socketAddress } from './socket-address.ts'

export interface InboundResources {
  readonly listeners: readonly XdsResource<Listener>[]
  readonly clusters: readonly XdsResource<Cluster>[]
}

export function inboundResources(mesh: LinkedMesh, workload: Workload): InboundResources {
  const bind = workload.proxy?.bindAddress ?? '127.0.0.1'
  const listeners: XdsResource<Listener>[] = []
  const clusters: XdsResource<Cluster>[] = []
  for (const port of workload.ports) {
    clusters.push(cluster(mesh, workload, port))
    listeners.push(listener(mesh, workload, port, bind))
  }
  return { listeners, clusters }
}

function cluster(mesh: LinkedMesh, workload: Workload, port: WorkloadPort): XdsResource<Cluster> {
  const name = inboundCluster(port.number)
  const application = {
    address: workload.applicationAddress,
    port: port.applicationPort,
    labels: {},
    locality: { region: '', zone: '', subZone: '' },
    weight: 1,
    mutualTls: false,
    healthy: true,
    workload: '',
  }
  const message = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: duration(mesh.input.meshConfig.connectTimeoutMs),
    circuitBreakers: circuitBreakers(undefined),
    loadAssignment: loadAssignment(name, [application]),
  })
  return { name, message, origins: [] }
}

function listener(mesh: LinkedMesh, workload: Workload, port: WorkloadPort, bind: string): XdsResource<Listener> {
  const policy = mesh.peerPolicies.of(workload.namespace, workload.labels, port.number)
  const name = `${bind}_${port.inboundPort}`
  const message = create(ListenerSchema, {
    name,
    address: socketAddress(bind, port.inboundPort),
    trafficDirection: TrafficDirection.INBOUND,
    filterChains: filterChains(mesh, name, port, policy.mode),
    listenerFilters: policy.mode === 'PERMISSIVE' ? [tlsInspector()] : [],
  })
  return { name, message, origins: policy.origin ? [policy.origin] : [] }
}

function filterChains(mesh: LinkedMesh, name: string, port: WorkloadPort, mode: MutualTlsMode): FilterChain[] {
  const filters = [inboundManager(mesh.input.meshConfig, `inbound_${name}`, inboundRoutes(port.number))]
  const tls = (match: FilterChain['filterChainMatch']): FilterChain =>
    create(FilterChainSchema, {
      name: `${name}_tls`,
      filters,
      transportSocket: downstreamTls(),
      ...(match ? { filterChainMatch: match } : {}),
    })
  const plain = (match: FilterChain['filterChainMatch']): FilterChain =>
    create(FilterChainSchema, { name: `${name}_plain`, filters, ...(match ? { filterChainMatch: match } : {}) })
  // Whatever is not TLS fails its handshake: no chain takes plaintext, and nothing needs to look at it first.
  if (mode === 'STRICT') return [tls(undefined)]
  if (mode === 'DISABLE') return [plain(undefined)]
  const match = (transportProtocol: string, applicationProtocols: string[]): FilterChain['filterChainMatch'] =>
    create(FilterChainSchema, { filterChainMatch: { transportProtocol, applicationProtocols } }).filterChainMatch
  return [tls(match('tls', ISTIO_ALPN)), plain(match('raw_buffer', []))]
}

function tlsInspector(): ListenerFilter {
  return create(ListenerFilterSchema, {
    name: 'envoy.filters.listener.tls_inspector',
    configType: { case: 'typedConfig', value: packAny(TlsInspectorSchema, create(TlsInspectorSchema)) },
  })
}

function inboundRoutes(port: number): RouteConfiguration {
  const route = create(RouteSchema, {
    name: 'default',
    match: { pathSpecifier: { case: 'prefix', value: '/' } },
    action: {
      case: 'route',
      value: {
        clusterSpecifier: { case: 'cluster', value: inboundCluster(port) },
        timeout: duration(0),
        retryPolicy: inboundRetryPolicy(),
      },
    },
  })
  return create(RouteConfigurationSchema, {
    name: inboundCluster(port),
    virtualHosts: [{ name: `inbound|http|${port}`, domains: ['*'], routes: [route] }],
    validateClusters: false,
  })
}
