// The virtual hosts of one gateway port: VirtualServices that share a host are merged, what matches everything last.
import type { Origin } from '../../model/origin.ts'
import {
  type Route,
  type VirtualHost,
  VirtualHost_TlsRequirementType,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { expandShortName, intersectHosts } from '../host/host-name.ts'
import type { ClientScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import type { LinkedVirtualService } from '../link/linked-virtual-service.ts'
import { onlyPort } from '../link/mesh-service.ts'
import { compare } from '../link/precedence.ts'
import type { BoundServer } from './bound-server.ts'
import { hashLookup } from './hash-policy.ts'
import { virtualHost } from './route-configuration.ts'
import { bracketed } from './virtual-host-domains.ts'
import { catchAllLast, virtualServiceRoutes } from './virtual-service-routes.ts'

interface Draft {
  readonly routes: Route[]
  readonly from: Set<LinkedVirtualService>
  /** One VirtualService may come by several servers, and counts once for each Gateway: some rules are for one alone. */
  readonly parts: Set<readonly Route[]>
}

export function gatewayVirtualHosts(
  mesh: LinkedMesh,
  scope: ClientScope,
  port: number,
  servers: readonly BoundServer[],
): { hosts: readonly VirtualHost[]; origins: readonly Origin[] } {
  const drafts = new Map<string, Draft>()
  const redirected = new Set<string>()
  const made = new Map<string, readonly Route[]>()
  const draftOf = (host: string): Draft => {
    const draft = drafts.get(host) ?? { routes: [], from: new Set(), parts: new Set() }
    drafts.set(host, draft)
    return draft
  }
  for (const { gateway, server } of servers) {
    const gatewayName = `${gateway.namespace}/${gateway.name}`
    for (const service of scope.virtualServices) {
      if (!service.gateways.has(gatewayName)) continue
      const served = server.hosts
        .filter(host => host.namespace === '*' || host.namespace === service.namespace)
        .map(host => host.host)
      const hosts = intersectHosts(served, service.hosts)
      if (hosts.length === 0) continue
      const key = `${gatewayName} ${service.namespace}/${service.name}`
      const routes = made.get(key) ?? routesFor(mesh, scope, port, gatewayName, service)
      made.set(key, routes)
      // Without a rule for this gateway it has no host here: what is for the host falls to a wildcard's.
      if (routes.length === 0) continue
      for (const host of hosts) {
        const draft = draftOf(host)
        if (!draft.parts.has(routes)) draft.routes.push(...routes)
        draft.parts.add(routes)
        draft.from.add(service)
        if (server.redirectsToHttps) redirected.add(host)
      }
    }
    // To https goes what no route is for, too, save where hosts are for one namespace.
    for (const { host, namespace } of server.redirectsToHttps ? server.hosts : []) {
      if (namespace !== '*') continue
      redirected.add(host)
      draftOf(host)
    }
  }
  // A port without any route answers 404 to everything.
  if (drafts.size === 0) return { hosts: [virtualHost(`blackhole:${port}`, ['*'], [])], origins: [] }
  const hosts = [...drafts]
    .sort(([a], [b]) => compare(a, b))
    .map(([host, { routes }]) => {
      const whole = virtualHost(`${host}:${port}`, [bracketed(host)], catchAllLast(routes))
      if (redirected.has(host)) whole.requireTls = VirtualHost_TlsRequirementType.ALL
      return whole
    })
  const origins = [...drafts.values()].flatMap(({ from }) =>
    [...from].flatMap(service => [service.origin, ...service.delegateOrigins]),
  )
  return { hosts, origins }
}

function routesFor(
  mesh: LinkedMesh,
  scope: ClientScope,
  port: number,
  gateway: string,
  service: LinkedVirtualService,
): readonly Route[] {
  const { meshConfig } = mesh.input
  return virtualServiceRoutes(service, {
    port,
    gateways: new Set([gateway]),
    clientNamespace: scope.namespace,
    clientLabels: scope.labels,
    defaultRetry: meshConfig.defaultHttpRetryPolicy,
    keepsForwardedHost: meshConfig.defaultConfig.proxyHeaders.xForwardedHost,
    expand: host => expandShortName(host, service.namespace, meshConfig.domainSuffix),
    hashOf: hashLookup(mesh, scope),
    onlyPortOf: host => onlyPort(scope.services.get(host)),
  })
}
