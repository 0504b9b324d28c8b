// How a sidecar tells connections to one port of a service apart, by address and by server name, as istiod does.

import type { L4Match } from '../../model/l4-route.ts'
import type { Origin } from '../../model/origin.ts'
import { familyOf } from '../../model/port-protocol.ts'
import { hostsOverlap, hostWithin } from '../host/host-name.ts'
import { cidrOf } from '../host/ip-address.ts'
import type { ClientScope } from '../link/client-scope.ts'
import { selects } from '../link/label-selector.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { type LinkedVirtualService, resolveGateway } from '../link/linked-virtual-service.ts'
import { type MeshService, protocolOf } from '../link/mesh-service.ts'
import { type Tunnel, tunnelBy, tunnelTo } from './tunnel.ts'

/** One filter chain to be; both lists empty: whatever comes. */
export interface L4Plan {
  readonly serverNames: readonly string[]
  readonly subnets: readonly string[]
  readonly tunnel: Tunnel
  readonly origins: readonly Origin[]
}

/** In the order of the rules. tls[] is for ports declared HTTPS or TLS, tcp[] for all others that carry bytes. */
export function l4Plans(mesh: LinkedMesh, scope: ClientScope, service: MeshService, port: number): readonly L4Plan[] {
  const rules = rulesForBytes(mesh, scope).filter(({ hosts }) => hosts.some(host => hostsOverlap(host, service.host)))
  const whole: L4Plan = {
    serverNames: [],
    subnets: [],
    tunnel: tunnelTo(mesh, scope, service, port),
    origins: service.origins,
  }
  if (!isTls(service, port)) return tcpPlans(mesh, scope, rules, port, whole)
  const plans = tlsPlans(mesh, scope, rules, port)
  return plans.length > 0 ? plans : [whole]
}

/** Few have any, and every port of bytes asks. */
function rulesForBytes(mesh: LinkedMesh, scope: ClientScope): readonly LinkedVirtualService[] {
  return mesh.memo.get(`rules-for-bytes|${scope.key}`, () =>
    scope.virtualServices.filter(({ gateways, tls, tcp }) => gateways.has('mesh') && tls.length + tcp.length > 0),
  )
}

export function isTls(service: MeshService, port: number): boolean {
  const protocol = protocolOf(service, port)
  return protocol === 'HTTPS' || protocol === 'TLS'
}

function tlsPlans(
  mesh: LinkedMesh,
  scope: ClientScope,
  rules: readonly LinkedVirtualService[],
  port: number,
): readonly L4Plan[] {
  return rules.flatMap(rule =>
    rule.tls.flatMap(route => {
      const matches = route.matches.filter(match => isForClient(match, rule, scope, port))
      if (matches.length === 0) return []
      const tunnel = tunnelBy(mesh, scope, rule, route, port)
      return matches.map(({ sniHosts, destinationSubnets }) => ({
        serverNames: sniHosts,
        subnets: destinationSubnets,
        tunnel,
        origins: [rule.origin],
      }))
    }),
  )
}

/** A match without subnets takes all that is left; where there is none, the service itself does. */
function tcpPlans(
  mesh: LinkedMesh,
  scope: ClientScope,
  rules: readonly LinkedVirtualService[],
  port: number,
  whole: L4Plan,
): readonly L4Plan[] {
  const plans: L4Plan[] = []
  for (const rule of rules)
    for (const route of rule.tcp) {
      const matches = route.matches.filter(match => isForClient(match, rule, scope, port))
      if (matches.length === 0 && route.matches.length > 0) continue
      const tunnel = tunnelBy(mesh, scope, rule, route, port)
      const all = matches.length === 0 || matches.some(match => match.destinationSubnets.length === 0)
      const subnets = all ? [] : matches.flatMap(match => match.destinationSubnets)
      plans.push({ serverNames: [], subnets, tunnel, origins: [rule.origin] })
      if (all) return plans
    }
  return [...plans, whole]
}

/** Unlike in http[], a match with gateways asks for its source besides. */
function isForClient(match: L4Match, rule: LinkedVirtualService, scope: ClientScope, port: number): boolean {
  if (match.port !== undefined && match.port !== port) return false
  if (match.gateways.length > 0 && !match.gateways.some(name => resolveGateway(name, rule.namespace) === 'mesh'))
    return false
  const fromNamespace = match.sourceNamespace === '' || match.sourceNamespace === scope.namespace
  return fromNamespace && selects(match.sourceLabels, scope.labels)
}

/**
 * Behind CONNECT neither the address nor the server name is seen: the service that was named stands for both. Requests
 * in a tunnel to a port that is declared for them are not looked at, and go to the service.
 */
export function tunnelByName(mesh: LinkedMesh, scope: ClientScope, service: MeshService, port: number): Tunnel {
  const family = familyOf(protocolOf(service, port))
  if (family !== 'tcp' && family !== 'undeclared') return tunnelTo(mesh, scope, service, port)
  const named = ({ serverNames }: L4Plan): boolean =>
    serverNames.length === 0 || serverNames.some(name => hostWithin(service.host, name))
  const addressed = ({ subnets }: L4Plan): boolean =>
    subnets.length === 0 || subnets.some(subnet => service.addresses.some(address => cidrOf(subnet)?.contains(address)))
  const plan = l4Plans(mesh, scope, service, port).find(candidate => named(candidate) && addressed(candidate))
  return plan?.tunnel ?? tunnelTo(mesh, scope, service, port)
}
