// The listeners and routes for what a sidecar's application sends.
import { familyOf } from '../../model/port-protocol.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import type { Listener } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import type { RouteConfiguration } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { type EgressScope, type SidecarScope, scopeOfPort } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { egressListener, httpProxyListener, portListener } from './outbound-listeners.ts'
import { egressProxyRoutes, httpProxyRoutes, outboundPorts, portRoutes } from './sidecar-routes.ts'

export interface OutboundResources {
  readonly listeners: readonly XdsResource<Listener>[]
  readonly routes: readonly XdsResource<RouteConfiguration>[]
}

/**
 * Behind an HTTP proxy port, which stands for interception, a Sidecar's listeners say what is seen on each port, and are
 * bound only where they ask for it; without, each port has a listener. `taken`: names of those that are there.
 */
export function outboundResources(
  mesh: LinkedMesh,
  scope: SidecarScope,
  bind: string,
  proxyPort: number,
  taken: ReadonlySet<string>,
): OutboundResources {
  const isProxied = proxyPort > 0
  const listeners = new Map<string, XdsResource<Listener>>()
  const routes = new Map<string, XdsResource<RouteConfiguration>>()
  // Istio knows routes by their port alone: the first listener that has it says what they are.
  const add = (listener: XdsResource<Listener>, makeRoutes: (() => XdsResource<RouteConfiguration>) | null): void => {
    if (taken.has(listener.name) || listeners.has(listener.name)) return
    listeners.set(listener.name, listener)
    const made = makeRoutes?.()
    if (made && !routes.has(made.name)) routes.set(made.name, made)
  }
  if (isProxied) add(httpProxyListener(mesh, scope, bind, proxyPort), () => httpProxyRoutes(mesh, scope))
  for (const egress of scope.listeners) {
    const listener = isProxied && !egress.alwaysBound ? null : egressListener(mesh, egress)
    if (listener) add(listener, routesOf(mesh, egress))
  }
  if (isProxied) return { listeners: [...listeners.values()], routes: [...routes.values()] }
  for (const port of outboundPorts(scope)) {
    const requests = scope.servicesByPort.has(port)
    add(portListener(mesh, scope, port), requests ? () => portRoutes(mesh, scopeOfPort(scope, port), port) : null)
  }
  return { listeners: [...listeners.values()], routes: [...routes.values()] }
}

/** Null where bytes are relayed. */
function routesOf(mesh: LinkedMesh, { port, scope }: EgressScope): (() => XdsResource<RouteConfiguration>) | null {
  if (port.protocol === 'HTTP_PROXY') return () => egressProxyRoutes(mesh, scope, port.number)
  return familyOf(port.protocol) === 'tcp' ? null : () => portRoutes(mesh, scope, port.number)
}
