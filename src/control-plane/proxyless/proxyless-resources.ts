// Resources in the form that gRPC itself understands: an API listener per name that can be dialled, and plain clusters.
// gRPC refuses what Envoy takes: any balancing but ROUND_ROBIN and RING_HASH, SDS, filters (gRFC A27, A28).
import { create, type Message } from '@bufbuild/protobuf'
import type { Origin } from '../../model/origin.ts'
import type { ProxyResources, XdsResource } from '../../model/proxy-resources.ts'
import { packAny } from '../../xds/any-pack.ts'
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ApiVersion } from '../../xds/generated/envoy/config/core/v3/config_source_pb.ts'
import { ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import type { VirtualHost } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { VirtualHostSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { RouterSchema } from '../../xds/generated/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { HttpConnectionManagerSchema } from '../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'

const ADS = { configSourceSpecifier: { case: 'ads' as const, value: {} }, resourceApiVersion: ApiVersion.V3 }
/** A name that can be dialled as xds:///NAME:PORT. */
const DIALLED = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?:\d+$/

/** The same resources for a client without a proxy: `xds:///reviews.default.svc.cluster.local:9080`. */
export function proxylessResources(resources: ProxyResources): ProxyResources {
  const clusters = resources.clusters.flatMap(toPlainCluster)
  const kept = new Set(clusters.map(cluster => cluster.name))
  const listeners: XdsResource[] = []
  const routes: XdsResource[] = []
  for (const { message, origins } of resources.routes) {
    for (const host of (message as RouteConfiguration).virtualHosts) {
      const names = dialledNames(host)
      const [routeName] = names
      if (routeName === undefined) continue
      routes.push(routeFor(routeName, host, kept, origins))
      for (const name of names) listeners.push(apiListener(name, routeName, origins))
    }
  }
  const served = new Set(
    clusters.map(({ message }) => (message as Cluster).edsClusterConfig?.serviceName || (message as Cluster).name),
  )
  const endpoints = resources.endpoints.filter(endpoint => served.has(endpoint.name))
  return { listeners: unique(listeners), routes: unique(routes), clusters, endpoints }
}

/** A virtual host is named `HOST:PORT`; where its domains leave the port out, the listener that serves it has that port. */
function dialledNames(host: VirtualHost): readonly string[] {
  const port = /:\d+$/.exec(host.name)?.[0] ?? ''
  const names = host.domains.map(domain => (domain.includes(':') ? domain : domain + port))
  return names.filter(name => DIALLED.test(name))
}

function toPlainCluster(resource: XdsResource): readonly XdsResource[] {
  const cluster = resource.message as Cluster
  const { clusterDiscoveryType } = cluster
  if (clusterDiscoveryType.case !== 'type' || clusterDiscoveryType.value !== Cluster_DiscoveryType.EDS) return []
  const message = create(ClusterSchema, {
    name: cluster.name,
    clusterDiscoveryType,
    edsClusterConfig: { edsConfig: ADS, serviceName: cluster.edsClusterConfig?.serviceName ?? '' },
    lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
    ...(cluster.circuitBreakers ? { circuitBreakers: cluster.circuitBreakers } : {}),
  })
  return [{ name: resource.name, message, origins: resource.origins }]
}

/** The one virtual host of a name. Routes to clusters that gRPC cannot have are left out, as gRPC would refuse all. */
function routeFor(
  name: string,
  host: VirtualHost,
  clusters: ReadonlySet<string>,
  origins: readonly Origin[],
): XdsResource<Message> {
  const routes = host.routes.filter(route => {
    // gRPC does not know CONNECT, and would refuse the whole configuration for it.
    if (route.match?.pathSpecifier.case === 'connectMatcher') return false
    if (route.action.case !== 'route') return true
    const { clusterSpecifier } = route.action.value
    if (clusterSpecifier.case === 'cluster') return clusters.has(clusterSpecifier.value)
    return (
      clusterSpecifier.case === 'weightedClusters' &&
      clusterSpecifier.value.clusters.every(one => clusters.has(one.name))
    )
  })
  const virtualHost = create(VirtualHostSchema, { name: host.name, domains: ['*'], routes })
  if (host.retryPolicy) virtualHost.retryPolicy = host.retryPolicy
  return { name, message: create(RouteConfigurationSchema, { name, virtualHosts: [virtualHost] }), origins }
}

function apiListener(name: string, routeName: string, origins: readonly Origin[]): XdsResource<Message> {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: 'grpc',
    routeSpecifier: { case: 'rds', value: { routeConfigName: routeName, configSource: ADS } },
    httpFilters: [
      {
        name: 'envoy.filters.http.router',
        configType: { case: 'typedConfig', value: packAny(RouterSchema, create(RouterSchema)) },
      },
    ],
  })
  const apiListener = { apiListener: packAny(HttpConnectionManagerSchema, manager) }
  return { name, message: create(ListenerSchema, { name, apiListener }), origins }
}

/** The first of each name: two ports' route configurations may list the same host. */
function unique(resources: readonly XdsResource[]): readonly XdsResource[] {
  const byName = new Map<string, XdsResource>()
  for (const resource of resources) if (!byName.has(resource.name)) byName.set(resource.name, resource)
  return [...byName.values()]
}
