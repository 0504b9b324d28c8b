// The virtual hosts that a sidecar has for one port: of services, and of hosts that only VirtualServices know.
import { create } from '@bufbuild/protobuf'
import type { Origin } from '../../model/origin.ts'
import { type Route, RouteSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { expandShortName, hostsOverlap, hostWithin, isWildcard, wildcardsOf } from '../host/host-name.ts'
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
  readonly #byHost: ReadonlyMap<string, readonly MeshService[]>
  /** Reached by CONNECT alone. */
  readonly #tcpServices: readonly MeshService[]
  readonly #drafts = new Map<string, VirtualHostDraft>()
  readonly #domains = new Set<string>()
  readonly #known: ReadonlySet<string>

  constructor(mesh: LinkedMesh, scope: ClientScope, port: number, lenient: boolean) {
    this.#mesh = mesh
    this.#scope = scope
    this.#port = port
    this.#lenient = lenient
    this.#services = scope.servicesByPort.get(port) ?? []
    this.#byHost = Map.groupBy(this.#services, service => service.host)
    this.#tcpServices = (lenient && scope.tcpServicesByPort.get(port)) || []
    this.#known = new Set([...this.#services, ...this.#tcpServices].map(service => service.host))
  }

  /** The first to claim a name keeps it, so that the order is Istio's: by VirtualService, and of each what it adds first. */
  make(): readonly VirtualHostDraft[] {
    const virtualServices = this.#scope.virtualServices.filter(service => service.gateways.has('mesh'))
    const byHost = firstByHost(virtualServices)
    const ruled = new Set<MeshService>()
    for (const rules of virtualServices) {
      const routes = this.#routesOf(rules)
      if (routes.length === 0) continue
      const { services, unregistered } = this.#hostsOf(rules, byHost)
      if (services.length === 0 && !this.#takesUnregistered(rules)) continue
      const origins = [rules.origin, ...rules.delegateOrigins]
      for (const host of unregistered) this.#add(host, [bracketed(host)], [], routes, origins)
      for (const service of services) this.#addService(service, routes, origins)
      for (const service of services) ruled.add(service)
    }
    for (const service of this.#services)
      if (!ruled.has(service)) this.#addService(service, [this.#defaultRoute(service)], [])
    for (const service of this.#tcpServices) this.#addService(service, [], [])
    return [...this.#drafts.values()].sort((a, b) => compare(a.name, b.name))
  }

  /**
   * Services that the VirtualService is for: by their exact host; by a wildcard those for which no other VirtualService has
   * a closer one. And its hosts that hold no service of the port, not even another's.
   */
  #hostsOf(
    rules: LinkedVirtualService,
    byHost: ReadonlyMap<string, LinkedVirtualService>,
  ): { readonly services: readonly MeshService[]; readonly unregistered: readonly string[] } {
    const services: MeshService[] = []
    const unregistered: string[] = []
    for (const host of rules.hosts) {
      const within = isWildcard(host)
        ? this.#services.filter(service => hostsOverlap(service.host, host))
        : (this.#byHost.get(host) ?? [])
      if (within.length === 0) unregistered.push(host)
      for (const service of within)
        if (!isWildcard(host) || closest(service.host, byHost) === rules) services.push(service)
    }
    return { services, unregistered: unregistered.filter(host => !this.#known.has(host)) }
  }

  #takesUnregistered(rules: LinkedVirtualService): boolean {
    return this.#port === UNREGISTERED_HOSTS_PORT && !(this.#lenient && this.#isRegistered(rules))
  }

  /** On some port: then an HTTP proxy has its hosts there, and not on port 80 besides. */
  #isRegistered(service: LinkedVirtualService): boolean {
    const { services } = this.#scope
    return service.hosts.some(host =>
      isWildcard(host) ? [...services.keys()].some(known => hostWithin(known, host)) : services.has(host),
    )
  }

  #addService(service: MeshService, routes: readonly Route[], origins: readonly Origin[]): void {
    const { full, alternatives } = serviceDomains(service, this.#scope.namespace)
    const tunnel = this.#lenient ? [this.#tunnel(service)] : []
    this.#add(service.host, full, alternatives, [...tunnel, ...routes], [...origins, ...service.origins])
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
    return virtualServiceRoutes(service, this.#surroundings(service))
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

/** For each host the VirtualService that comes first. */
function firstByHost(services: readonly LinkedVirtualService[]): ReadonlyMap<string, LinkedVirtualService> {
  const first = new Map<string, LinkedVirtualService>()
  for (const service of services) for (const host of service.hosts) if (!first.has(host)) first.set(host, service)
  return first
}

/** By its exact host, else by the longest wildcard; whether that has rules for this client is not asked. */
function closest(host: string, byHost: ReadonlyMap<string, LinkedVirtualService>): LinkedVirtualService | undefined {
  for (const name of [host, ...wildcardsOf(host)]) if (byHost.has(name)) return byHost.get(name)
  return undefined
}
