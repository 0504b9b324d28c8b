// The outbound route configurations of a sidecar: one for its HTTP proxy port, or one for each port of a service.
import type { XdsResource } from '../../model/proxy-resources.ts'
import type { RouteConfiguration } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { type ClientScope, type SidecarScope, scopeOfPort } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { compare } from '../link/precedence.ts'
import { HTTP_PROXY_ROUTES } from './resource-names.ts'
import { routeConfiguration, unknownHosts, virtualHost } from './route-configuration.ts'
import { sidecarVirtualHosts } from './sidecar-virtual-hosts.ts'

const DEFAULT_HTTP_PORT = 80

/** Ports on which a sidecar listens when it has no HTTP proxy port. */
export function outboundPorts(scope: ClientScope): readonly number[] {
  const ports = new Set([...scope.servicesByPort.keys(), ...scope.tcpServicesByPort.keys()])
  return [...ports].sort((a, b) => a - b)
}

/** For the listeners of one port: every host is of that port, whatever port the authority names. */
export function portRoutes(mesh: LinkedMesh, scope: ClientScope, port: number): XdsResource<RouteConfiguration> {
  return mesh.memo.get(`routes|${port}|${scope.key}`, () => {
    const drafts = sidecarVirtualHosts(mesh, scope, port, false)
    const hosts = drafts.map(draft => virtualHost(draft.name, draft.domains, draft.routes))
    const origins = drafts.flatMap(draft => draft.origins)
    return routeConfiguration(mesh.input.meshConfig, `${port}`, [...hosts, unknownHosts(scope, false)], origins, true)
  })
}

/** For the HTTP proxy port, on which each port of the mesh is seen as by the egress listener that has it. */
export function httpProxyRoutes(mesh: LinkedMesh, scope: SidecarScope): XdsResource<RouteConfiguration> {
  const ofListeners = scope.listeners.map(({ scope: seen }) => seen)
  const ports = new Set([scope, ...ofListeners].flatMap(outboundPorts))
  return proxyRoutes(mesh, scope, HTTP_PROXY_ROUTES, ports, port => scopeOfPort(scope, port))
}

/** For an egress listener that is an HTTP proxy itself. */
export function egressProxyRoutes(mesh: LinkedMesh, scope: ClientScope, port: number): XdsResource<RouteConfiguration> {
  return proxyRoutes(mesh, scope, `${port}`, new Set(outboundPorts(scope)), () => scope)
}

/** The authority's port tells services apart; none stands for 80. */
function proxyRoutes(
  mesh: LinkedMesh,
  scope: ClientScope,
  name: string,
  known: ReadonlySet<number>,
  scopeOf: (port: number) => ClientScope,
): XdsResource<RouteConfiguration> {
  return mesh.memo.get(`proxy-routes|${name}|${scope.key}`, () => {
    // Port 80 is there even where no service has it: hosts that only VirtualServices know live on it.
    const ports = [...new Set([...known, DEFAULT_HTTP_PORT])]
    const drafts = ports.flatMap(port => sidecarVirtualHosts(mesh, scopeOf(port), port, true))
    drafts.sort((a, b) => compare(a.name, b.name))
    const hosts = drafts.map(draft => {
      const withPort = draft.domains.map(domain => `${domain}:${draft.port}`)
      const bare = draft.port === DEFAULT_HTTP_PORT ? draft.domains : []
      return virtualHost(draft.name, [...bare, ...withPort], draft.routes)
    })
    const origins = drafts.flatMap(draft => draft.origins)
    const all = [...hosts, unknownHosts(scope, true)]
    return routeConfiguration(mesh.input.meshConfig, name, all, origins, false)
  })
}
