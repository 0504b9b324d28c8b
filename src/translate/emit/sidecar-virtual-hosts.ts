// The virtual hosts that a sidecar has for one port: of services, and of hosts that only VirtualServices know.
import { create } from '@bufbuild/protobuf'
import type { Origin } from '../../model/origin.ts'
import { type Route, RouteSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { expandShortName, hostWithin, isWildcard, wildcardsOf } from '../host/host-name.ts'
import type { ClientScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import type { LinkedVirtualService } from '../link/linked-virtual-service.ts'
import { type MeshService, onlyPort } from '../link/mesh-service.ts'
import { compare } from '../link/precedence.ts'
import { connectRoute } from './connect-route.ts'
import { hashLookup, hashOfService, hashPolicies } from './hash-policy.ts'
import { tunnelByName } from './l4-plans.ts'
import { outboundCluster } from './resource-names.ts'
import { retryPolicy } from './retry-policy.ts'
import type { RouteSurroundings } from './route-surroundings.ts'
import { routeTimeouts } from './route-timeouts.ts'
import { bracketed, serviceDomains } from './virtual-host-domains.ts'
import { virtualServiceRoutes } from './virtual-service-routes.ts'

export interface VirtualHostDraft {
  /** `reviews.default.svc.cluster.local:9080` */
  readonly name: string
  readonly port: number
  /** Without ports; never one that another virtual host of the port has. */
  readonly domains: readonly string[]
  readonly routes: readonly Route[]
  readonly origins: readonly Origin[]
}

/** The port on which a VirtualService works though no registry knows its host. */
const UNREGISTERED_HOSTS_PORT = 80
const MESH: ReadonlySet<string> = new Set(['mesh'])

/**
 * Sorted by name. With `lenient` a destination without a port may be on any port of its service; without, only on the
 * listener's, which is all that an Istio sidecar looks at when it has a listener for each port.
 */
export function sidecarVirtualHosts(
  mesh: LinkedMesh,
  scope: ClientScope,
  port: number,
  lenient: boolean,
): readonly VirtualHostDraft[] {
  return new VirtualHostMaker(mesh, scope, port, lenient).make()
}

class VirtualHostMaker {
  readonly #mesh: LinkedMesh
  readonly #scope: ClientScope
  readonly #port: number
  readonly #lenient: boolean
  readonly #services: readonly MeshService[]
  /** Reached by CONNECT alone. */
  readonly #tcpServices: readonly MeshService[]
  readonly #routes = new Map<LinkedVirtualService, readonly Route[]>()
  readonly #drafts = new Map<string, VirtualHostDraft>()
  readonly #domains = new Set<string>()
  readonly #known: ReadonlySet<string>

  constructor(mesh: LinkedMesh, scope: ClientScope, port: number, lenient: boolean) {
    this.#mesh = mesh
    this.#scope = scope
    this.#port = port
    this.#lenient = lenient
    this.#services = scope.servicesByPort.get(port) ?? []
    this.#tcpServices = (lenient && scope.tcpServicesByPort.get(port)) || []
    this.#known = new Set([...this.#services, ...this.#tcpServices].map(service => service.host))
  }

  make(): readonly VirtualHostDraft[] {
    const virtualServices = this.#scope.virtualServices.filter(service => service.gateways.has('mesh'))
    const byHost = indexByHost(virtualServices)
    const used = new Map<LinkedVirtualService, Set<string>>()
    const chosen = this.#services.map(service => ({ service, choice: this.#choose(service, byHost, used) }))
    // A VirtualService's hosts come before default routes, so that the names they claim are theirs.
    for (const service of virtualServices) this.#addUnregistered(service, used.get(service))
    for (const { service, choice } of chosen) if (choice) this.#addService(service, this.#routesOf(choice), choice)
    for (const { service, choice } of chosen)
      if (!choice) this.#addService(service, [this.#defaultRoute(service)], null)
    for (const service of this.#tcpServices) this.#addService(service, [], null)
    return [...this.#drafts.values()].sort((a, b) => compare(a.name, b.name))
  }

  /** The VirtualService for a service: by its exact host, else by the longest wildcard; the first with routes. */
  #choose(
    service: MeshService,
    byHost: ReadonlyMap<string, readonly LinkedVirtualService[]>,
    used: Map<LinkedVirtualService, Set<string>>,
  ): LinkedVirtualService | null {
    let choice: LinkedVirtualService | null = null
    for (const host of [service.host, ...wildcardsOf(service.host)]) {
      const candidates = byHost.get(host)
      if (!candidates) continue
      for (const candidate of candidates) {
        const hosts = used.get(candidate)
        if (hosts) hosts.add(host)
        else used.set(candidate, new Set([host]))
        if (!choice && this.#routesOf(candidate).length > 0) choice = candidate
      }
      if (choice || !isWildcard(host)) break
    }
    return choice
  }

  #addUnregistered(service: LinkedVirtualService, matched: ReadonlySet<string> | undefined): void {
    if (!matched && (this.#port !== UNREGISTERED_HOSTS_PORT || (this.#lenient && this.#isRegistered(service)))) return
    const routes = this.#routesOf(service)
    if (routes.length === 0) return
    for (const host of service.hosts)
      if (!matched?.has(host) && !this.#known.has(host))
        this.#add(host, [bracketed(host)], [], routes, [service.origin, ...service.delegateOrigins])
  }

  /** On some port: then an HTTP proxy has its hosts there, and not on port 80 besides. */
  #isRegistered(service: LinkedVirtualService): boolean {
    const { services } = this.#scope
    return service.hosts.some(host =>
      isWildcard(host) ? [...services.keys()].some(known => hostWithin(known, host)) : services.has(host),
    )
  }

  #addService(service: MeshService, routes: readonly Route[], choice: LinkedVirtualService | null): void {
    const { full, alternatives } = serviceDomains(service, this.#scope.namespace)
    const origins = choice ? [choice.origin, ...choice.delegateOrigins, ...service.origins] : service.origins
    const tunnel = this.#lenient ? [this.#tunnel(service)] : []
    this.#add(service.host, full, alternatives, [...tunnel, ...routes], origins)
  }

  #tunnel(service: MeshService): Route {
    return connectRoute(tunnelByName(this.#mesh, this.#scope, service, this.#port))
  }

  /** The first to claim a name or a domain keeps it. */
  #add(
    host: string,
    full: readonly string[],
    alternatives: readonly string[],
    routes: readonly Route[],
    origins: readonly Origin[],
  ): void {
    const name = `${bracketed(host)}:${this.#port}`
    if (this.#drafts.has(name)) return
    const wanted = [...full, ...alternatives.filter(domain => !this.#known.has(domain))]
    const domains = wanted.filter(domain => !this.#domains.has(domain))
    if (domains.length === 0) return
    for (const domain of domains) this.#domains.add(domain)
    this.#drafts.set(name, { name, port: this.#port, domains: [...new Set(domains)], routes, origins })
  }

  #routesOf(service: LinkedVirtualService): readonly Route[] {
    let routes = this.#routes.get(service)
    if (!routes) {
      routes = virtualServiceRoutes(service, this.#surroundings(service))
      this.#routes.set(service, routes)
    }
    return routes
  }

  #surroundings(service: LinkedVirtualService): RouteSurroundings {
    const { meshConfig } = this.#mesh.input
    return {
      port: this.#port,
      gateways: MESH,
      clientNamespace: this.#scope.namespace,
      clientLabels: this.#scope.labels,
      defaultRetry: meshConfig.defaultHttpRetryPolicy,
      keepsForwardedHost: meshConfig.defaultConfig.proxyHeaders.xForwardedHost,
      expand: host => expandShortName(host, service.namespace, meshConfig.domainSuffix),
      hashOf: hashLookup(this.#mesh, this.#scope),
      onlyPortOf: host => (this.#lenient ? onlyPort(this.#scope.services.get(host)) : undefined),
    }
  }

  #defaultRoute(service: MeshService): Route {
    const policy = retryPolicy(undefined, this.#mesh.input.meshConfig.defaultHttpRetryPolicy)
    return create(RouteSchema, {
      name: 'default',
      match: { pathSpecifier: { case: 'prefix', value: '/' } },
      action: {
        case: 'route',
        value: {
          clusterSpecifier: { case: 'cluster', value: outboundCluster(this.#port, '', service.host) },
          ...routeTimeouts(0),
          ...(policy ? { retryPolicy: policy } : {}),
          hashPolicy: hashPolicies([hashOfService(this.#mesh, this.#scope, service, this.#port)]),
        },
      },
    })
  }
}

function indexByHost(services: readonly LinkedVirtualService[]): ReadonlyMap<string, readonly LinkedVirtualService[]> {
  const index = new Map<string, LinkedVirtualService[]>()
  for (const service of services)
    for (const host of service.hosts) {
      const list = index.get(host)
      if (list) list.push(service)
      else index.set(host, [service])
    }
  return index
}
