// How a gateway tells apart what it passes on as bytes. Of a match only its port, its gateways and its server names count.
import type { L4Match } from '../../model/l4-route.ts'
import { hostWithin, intersectHosts } from '../host/host-name.ts'
import type { ClientScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { type LinkedVirtualService, resolveGateway } from '../link/linked-virtual-service.ts'
import { isUnresolved } from '../link/mesh-service.ts'
import type { BoundServer } from './bound-server.ts'
import type { L4Plan } from './l4-plans.ts'
import { outboundServerName } from './resource-names.ts'
import { tunnelBy, tunnelInto } from './tunnel.ts'

/** tcp[]: the first rule for the server takes all that comes to it; null when there is none. */
export function gatewayTcpPlan(mesh: LinkedMesh, scope: ClientScope, bound: BoundServer): L4Plan | null {
  const { port } = bound.server
  for (const rules of rulesFor(scope, bound))
    for (const route of rules.tcp) {
      const { matches } = route
      if (matches.length > 0 && !matches.some(match => isForServer(match, rules, bound))) continue
      const tunnel = tunnelBy(mesh, scope, rules, route, port.number)
      return { serverNames: [], subnets: [], tunnel, origins: [rules.origin] }
    }
  return null
}

/** tls[]: one for each match. */
export function gatewayTlsPlans(mesh: LinkedMesh, scope: ClientScope, bound: BoundServer): readonly L4Plan[] {
  return rulesFor(scope, bound).flatMap(rules =>
    rules.tls.flatMap(route =>
      route.matches
        .filter(match => isForServer(match, rules, bound))
        .map(({ sniHosts }) => ({
          serverNames: sniHosts,
          subnets: [],
          tunnel: tunnelBy(mesh, scope, rules, route, bound.server.port.number),
          origins: [rules.origin],
        })),
    ),
  )
}

/** For every service of the mesh within the server's hosts: the server name is that of one of its clusters, as between sidecars. */
export function relayPlans(mesh: LinkedMesh, scope: ClientScope, { server }: BoundServer): readonly L4Plan[] {
  const plans: L4Plan[] = []
  for (const service of scope.services.values()) {
    const served = server.hosts.some(
      ({ namespace, host }) => (namespace === '*' || namespace === service.namespace) && hostWithin(service.host, host),
    )
    if (service.external || isUnresolved(service) || !served) continue
    const rule = mesh.destinationRules.of(service, scope.namespace, scope.labels)
    for (const port of service.ports)
      for (const subset of ['', ...(rule?.subsets ?? []).map(({ name }) => name)]) {
        const name = outboundServerName(port.number, subset, service.host)
        plans.push({ serverNames: [name], subnets: [], tunnel: tunnelInto(name), origins: service.origins })
      }
  }
  return plans
}

function rulesFor(scope: ClientScope, { gateway, server }: BoundServer): readonly LinkedVirtualService[] {
  return scope.virtualServices.filter(service => {
    if (!service.gateways.has(`${gateway.namespace}/${gateway.name}`)) return false
    const served = server.hosts.filter(({ namespace }) => namespace === '*' || namespace === service.namespace)
    return (
      intersectHosts(
        served.map(({ host }) => host),
        service.hosts,
      ).length > 0
    )
  })
}

function isForServer(match: L4Match, rules: LinkedVirtualService, { gateway, server }: BoundServer): boolean {
  if (match.port !== undefined && match.port !== server.port.number) return false
  const name = `${gateway.namespace}/${gateway.name}`
  return (
    match.gateways.length === 0 || match.gateways.some(written => resolveGateway(written, rules.namespace) === name)
  )
}
