// Which other resources a resource needs, so that no proxy is ever told of something that it is not also given.
import { fromBinary, type Message } from '@bufbuild/protobuf'
import { type Cluster, Cluster_DiscoveryType } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { Listener } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import type { RouteAction } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { RouteConfiguration } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { HttpConnectionManagerSchema } from '../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { TcpProxySchema } from '../../xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import type { ResourceType } from '../../xds/type-url.ts'

export interface Reference {
  readonly type: 'cluster' | 'endpoint' | 'route'
  readonly name: string
}

const known = new WeakMap<Message, readonly Reference[]>()

/** What the resource refers to by name. Routes that choose their cluster by a header refer to none. */
export function referencesOf(type: ResourceType, message: Message): readonly Reference[] {
  const before = known.get(message)
  if (before) return before
  const references: Reference[] = []
  if (type === 'cluster') addClusterReferences(message as Cluster, references)
  else if (type === 'listener') addListenerReferences(message as Listener, references)
  else if (type === 'route') addRouteReferences(message as RouteConfiguration, references)
  known.set(message, references)
  return references
}

function addClusterReferences(cluster: Cluster, into: Reference[]): void {
  const { clusterDiscoveryType } = cluster
  if (clusterDiscoveryType.case !== 'type' || clusterDiscoveryType.value !== Cluster_DiscoveryType.EDS) return
  into.push({ type: 'endpoint', name: cluster.edsClusterConfig?.serviceName || cluster.name })
}

function addListenerReferences(listener: Listener, into: Reference[]): void {
  const chains = listener.defaultFilterChain
    ? [...listener.filterChains, listener.defaultFilterChain]
    : listener.filterChains
  for (const { configType } of chains.flatMap(chain => chain.filters)) {
    if (configType.case === 'typedConfig') addFilterReferences(configType.value, into)
  }
  if (listener.apiListener?.apiListener) addFilterReferences(listener.apiListener.apiListener, into)
}

function addFilterReferences(any: { typeUrl: string; value: Uint8Array }, into: Reference[]): void {
  if (any.typeUrl.endsWith(HttpConnectionManagerSchema.typeName)) {
    const { routeSpecifier } = fromBinary(HttpConnectionManagerSchema, any.value)
    if (routeSpecifier.case === 'rds') into.push({ type: 'route', name: routeSpecifier.value.routeConfigName })
    else if (routeSpecifier.case === 'routeConfig') addRouteReferences(routeSpecifier.value, into)
  } else if (any.typeUrl.endsWith(TcpProxySchema.typeName)) {
    const { clusterSpecifier } = fromBinary(TcpProxySchema, any.value)
    if (clusterSpecifier.case === 'cluster') into.push({ type: 'cluster', name: clusterSpecifier.value })
    else for (const { name } of clusterSpecifier.value?.clusters ?? []) into.push({ type: 'cluster', name })
  }
}

function addRouteReferences(configuration: RouteConfiguration, into: Reference[]): void {
  for (const route of configuration.virtualHosts.flatMap(host => host.routes)) {
    if (route.action.case === 'route') addActionReferences(route.action.value, into)
  }
}

function addActionReferences(action: RouteAction, into: Reference[]): void {
  const { clusterSpecifier } = action
  if (clusterSpecifier.case === 'cluster') into.push({ type: 'cluster', name: clusterSpecifier.value })
  if (clusterSpecifier.case === 'weightedClusters')
    for (const { name } of clusterSpecifier.value.clusters) into.push({ type: 'cluster', name })
  for (const { cluster } of action.requestMirrorPolicies)
    if (cluster !== '') into.push({ type: 'cluster', name: cluster })
}
