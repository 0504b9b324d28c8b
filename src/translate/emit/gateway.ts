// The listeners and routes of a gateway: every Gateway object whose selector takes it, merged port by port.
import { create } from '@bufbuild/protobuf'
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { GatewayServer } from '../../model/gateway.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import { TrafficDirection } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { type Listener, ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import type { RouteConfiguration } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import type { ClientScope } from '../link/client-scope.ts'
import type { EnvoyPatches } from '../link/envoy-filters.ts'
import { selects } from '../link/label-selector.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { originOf } from '../link/precedence.ts'
import type { BoundServer } from './bound-server.ts'
import { patchedFilters, patchVirtualHosts } from './envoy-patches.ts'
import { type GatewayChains, gatewayChains } from './gateway-chains.ts'
import { gatewayVirtualHosts } from './gateway-virtual-hosts.ts'
import { proxyProtocol, tlsInspector } from './listener-filters.ts'
import { rateLimitFilters, standardHeaders } from './rate-limit-filters.ts'
import { routeConfiguration } from './route-configuration.ts'
import { socketAddress } from './socket-address.ts'

export interface GatewayResources {
  readonly listeners: readonly XdsResource<Listener>[]
  readonly routes: readonly XdsResource<RouteConfiguration>[]
  readonly relaysBytes: boolean
  readonly relaysByName: boolean
}

export function gatewayResources(mesh: LinkedMesh, node: ProxyNode, scope: ClientScope): GatewayResources {
  const bindAddress = node.workload?.proxy?.bindAddress ?? '0.0.0.0'
  const bound = node.workload?.proxy?.gatewayPorts ?? {}
  const placeOf = ({ bind, port }: GatewayServer) => ({
    address: bind === '' ? bindAddress : bind,
    port: bound[port.number] ?? port.number,
  })
  const limits = mesh.rateLimits.of(node.namespace, node.labels)
  const patches = mesh.envoyFilters.of(node.namespace, node.labels, 'GATEWAY')
  const listeners: XdsResource<Listener>[] = []
  const routes: XdsResource<RouteConfiguration>[] = []
  let relaysBytes = false
  let relaysByName = false
  for (const servers of serversByPlace(mesh, node, placeOf)) {
    const place = placeOf(servers[0]!.server)
    const made = listenerOf(mesh, scope, place.address, place.port, servers, limits, patches)
    relaysBytes ||= made.chains.relaysBytes
    relaysByName ||= made.chains.relaysByName
    // Envoy refuses a listener without chains: nothing is said of this place but that it is there.
    if (made.chains.filterChains.length > 0) listeners.push(made.listener)
    for (const [name, bound] of made.chains.routes) routes.push(routesOf(mesh, scope, name, bound, patches))
  }
  return { listeners, routes, relaysBytes, relaysByName }
}

/**
 * Servers that share a listener, in order of precedence of their Gateways. Different ways to ask for one place (no `bind`
 * and the gateway's own address, two ports bound to one) are one listener: Envoy refuses a second of the same address.
 */
function serversByPlace(
  mesh: LinkedMesh,
  node: ProxyNode,
  placeOf: (server: GatewayServer) => { readonly address: string; readonly port: number },
): readonly (readonly BoundServer[])[] {
  const groups = new Map<string, BoundServer[]>()
  for (const gateway of mesh.gateways) {
    if (!selects(gateway.spec.selector, node.labels)) continue
    for (const server of gateway.spec.servers) {
      const place = placeOf(server)
      const key = `${place.address}|${place.port}`
      const group = groups.get(key)
      if (group) group.push({ gateway, server })
      else groups.set(key, [{ gateway, server }])
    }
  }
  return [...groups.values()]
}

interface PlaceResources {
  readonly listener: XdsResource<Listener>
  readonly chains: GatewayChains
}

function listenerOf(
  mesh: LinkedMesh,
  scope: ClientScope,
  address: string,
  port: number,
  servers: readonly BoundServer[],
  limits: readonly ConfigObjectOf<'RateLimit'>[],
  patches: EnvoyPatches,
): PlaceResources {
  const name = `${address}_${port}`
  const { gatewayTopology } = mesh.input.meshConfig.defaultConfig
  const limited = limits.map(({ namespace, name: limit }) => `${namespace}/${limit}`).join(',')
  return mesh.memo.get(`listener|gateway|${name}|${scope.key}|${identityOf(servers)}|${limited}|${patches.key}`, () => {
    const filters = patchedFilters(patches, servers[0]!.server.port.number, rateLimitFilters(limits))
    const chains = gatewayChains(mesh, scope, servers, `outbound_${name}`, filters)
    const message = create(ListenerSchema, {
      name,
      address: socketAddress(address, port),
      trafficDirection: TrafficDirection.OUTBOUND,
      filterChains: chains.filterChains.map(chain => ({ ...chain, ...standardHeaders(limits) })),
      // The PROXY header comes before all that anybody else looks at.
      listenerFilters: [
        ...(gatewayTopology.proxyProtocol ? [proxyProtocol()] : []),
        ...(chains.byServerName ? [tlsInspector()] : []),
      ],
    })
    const origins = [...gatewayOrigins(servers), ...chains.origins, ...limits.map(originOf), ...patches.origins]
    return { chains, listener: { name, message, origins } }
  })
}

function routesOf(
  mesh: LinkedMesh,
  scope: ClientScope,
  routeName: string,
  servers: readonly BoundServer[],
  patches: EnvoyPatches,
): XdsResource<RouteConfiguration> {
  return mesh.memo.get(`routes|gateway|${routeName}|${scope.key}|${identityOf(servers)}|${patches.key}`, () => {
    const port = servers[0]!.server.port.number
    const { hosts, origins } = gatewayVirtualHosts(mesh, scope, port, servers)
    const patched = patchVirtualHosts(patches, routeName, port, hosts)
    const { meshConfig } = mesh.input
    const causes = [...gatewayOrigins(servers), ...origins, ...patches.origins]
    return routeConfiguration(meshConfig, routeName, patched, causes, true)
  })
}

function identityOf(servers: readonly BoundServer[]): string {
  return servers.map(({ gateway, server }) => `${gateway.namespace}/${gateway.name}#${server.port.name}`).join(',')
}

function gatewayOrigins(servers: readonly BoundServer[]) {
  return [...new Set(servers.map(({ gateway }) => gateway))].map(originOf)
}
