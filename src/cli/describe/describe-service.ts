// describe service: its ports, who stands behind it, and every rule that decides about its traffic.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { RouteDestination } from '../../model/destination.ts'
import type { HttpRoute } from '../../model/http-route.ts'
import type { Workload } from '../../model/workload.ts'
import { registeredProtocol } from '../../translate/host/port-protocol.ts'
import { describeL4Matches, describeMatches } from './describe-match.ts'
import { describePolicies } from './describe-policies.ts'
import { type MeshView, selects } from './mesh-view.ts'

interface ServiceName {
  readonly name: string
  readonly namespace: string
}

/** Lines, or null where the mesh knows no such service. */
export function describeService(view: MeshView, service: ServiceName): string[] | null {
  const object = view
    .objects('Service')
    .find(each => each.name === service.name && each.namespace === service.namespace)
  const registered = view.services.find(each => each.name === service.name && each.namespace === service.namespace)
  if (object === undefined && registered === undefined) return null
  const selector = object?.spec.selector ?? null
  const workloads = view.workloads.filter(
    workload =>
      workload.namespace === service.namespace &&
      (selector === null ? workload.service === service.name : selects(selector, workload.labels)),
  )
  const lines = [`Service: ${service.name}${service.namespace === 'default' ? '' : `.${service.namespace}`}`]
  for (const port of object?.spec.ports ??
    registered?.ports.map(port => ({ ...port, protocol: registeredProtocol(port) })) ??
    []) {
    const name = port.name === '' ? '' : `${port.name} `
    lines.push(
      `   Port: ${name}${port.number}/${port.protocol} targets workload port ${port.targetPort ?? port.number}`,
    )
  }
  lines.push(...describeWorkloads(workloads))
  return [...lines, ...describeRules(view, view.fqdn(service), workloads)]
}

/** What applies to traffic for a service, by its full name: of a Service, a workload's, or a host outside. */
export function describeRules(view: MeshView, fqdn: string, workloads: readonly Workload[]): string[] {
  const lines: string[] = []
  const modes = new Set(
    workloads.map(workload => view.peerAuthentication(workload)).map(each => `${each.mode} (${each.from})`),
  )
  if (modes.size > 0) lines.push(`Workload mTLS mode: ${[...modes].join(', ')}`)
  for (const rule of view.objects('DestinationRule')) {
    if (view.names(rule.spec.host, rule.namespace, fqdn)) lines.push(...describeDestinationRule(rule, workloads))
  }
  for (const virtual of view.objects('VirtualService')) {
    const routes = virtual.spec.http.filter(route => routesTo(view, virtual, route, fqdn))
    const owns = virtual.spec.hosts.some(host => view.fullHost(host.value, virtual.namespace) === fqdn)
    const bytes = bytesRoutes(view, virtual, owns, fqdn)
    if (routes.length > 0 || bytes.length > 0 || owns)
      lines.push(...describeVirtualService(view, virtual, owns ? virtual.spec.http : routes, fqdn), ...bytes)
  }
  for (const { name, namespace, spec } of view.objects('Rollout')) {
    if (view.fullHost(spec.host, namespace) !== fqdn) continue
    lines.push(`Rollout: ${name}`, `   Says how "${spec.stable}" and "${spec.canary}" share what goes to either`)
  }
  return lines
}

function describeWorkloads(workloads: readonly Workload[]): string[] {
  if (workloads.length === 0) return ['   No workload stands behind it: requests to it get 503']
  return workloads.map(
    each =>
      `   Workload: ${each.name}${each.version === '' ? '' : ` ${each.version}`} ${each.healthy ? 'HEALTHY' : 'UNHEALTHY'}`,
  )
}

function describeDestinationRule(rule: ConfigObjectOf<'DestinationRule'>, workloads: readonly Workload[]): string[] {
  const { host, subsets, trafficPolicy } = rule.spec
  const lines = [`DestinationRule: ${rule.name} for "${host}"`]
  const matching = subsets.filter(subset => workloads.some(workload => selects(subset.labels, workload.labels)))
  const others = subsets.filter(subset => !matching.includes(subset))
  if (matching.length > 0) lines.push(`   Matching subsets: ${matching.map(subset => subset.name).join(',')}`)
  if (others.length > 0) lines.push(`      (Non-matching subsets ${others.map(subset => subset.name).join(',')})`)
  if (trafficPolicy?.tls) lines.push(`   Traffic Policy TLS Mode: ${trafficPolicy.tls.mode}`)
  const policies = [trafficPolicy?.loadBalancer && 'load balancer', trafficPolicy?.connectionPool && 'connection pool']
  const named = policies.filter(policy => policy !== undefined)
  if (named.length > 0) lines.push(`   Policies: ${named.join('/')}`)
  if (trafficPolicy && trafficPolicy.portLevelSettings.length > 0) {
    lines.push(`   Port Level Settings: ${trafficPolicy.portLevelSettings.map(each => each.port).join(',')}`)
  }
  if (!trafficPolicy) lines.push('   No Traffic Policy')
  return lines
}

function routesTo(view: MeshView, virtual: ConfigObjectOf<'VirtualService'>, route: HttpRoute, fqdn: string): boolean {
  if (route.action.kind !== 'route') return false
  return sendsTo(view, virtual, route.action.destinations, fqdn)
}

function sendsTo(
  view: MeshView,
  virtual: ConfigObjectOf<'VirtualService'>,
  destinations: readonly RouteDestination[],
  fqdn: string,
): boolean {
  return destinations.some(each => view.fullHost(each.destination.host, virtual.namespace) === fqdn)
}

function bytesRoutes(
  view: MeshView,
  virtual: ConfigObjectOf<'VirtualService'>,
  owns: boolean,
  fqdn: string,
): readonly string[] {
  return (['tls', 'tcp'] as const).flatMap(kind =>
    virtual.spec[kind]
      .filter(({ destinations }) => owns || sendsTo(view, virtual, destinations, fqdn))
      .flatMap(({ matches, destinations }) => [
        `   Match: ${kind.toUpperCase()} ${describeL4Matches(matches)}`,
        ...describeDestinations(view, virtual, destinations, fqdn).map(line => `      ${line}`),
      ]),
  )
}

function describeVirtualService(
  view: MeshView,
  virtual: ConfigObjectOf<'VirtualService'>,
  routes: readonly HttpRoute[],
  fqdn: string,
): string[] {
  const lines = [`VirtualService: ${virtual.name}`]
  const gateways = virtual.spec.gateways.map(gateway => gateway.value).filter(gateway => gateway !== 'mesh')
  if (gateways.length > 0) lines.push(`   Exposed on Gateway ${gateways.join(', ')}`)
  for (const route of routes) {
    lines.push(`   Match: ${describeMatches(route.matches)}`)
    const told = [...describeAction(view, virtual, route, fqdn), ...describePolicies(route)]
    lines.push(...told.map(line => `      ${line}`))
  }
  return lines
}

function describeAction(
  view: MeshView,
  virtual: ConfigObjectOf<'VirtualService'>,
  route: HttpRoute,
  fqdn: string,
): string[] {
  if (route.delegate) {
    const { name, namespace } = route.delegate
    return [`Delegate to VirtualService ${namespace || virtual.namespace}/${name}`]
  }
  if (route.action.kind === 'redirect') return [`Redirect ${route.action.redirect.code}`]
  if (route.action.kind === 'direct-response') return [`Respond ${route.action.response.status}`]
  return describeDestinations(view, virtual, route.action.destinations, fqdn)
}

function describeDestinations(
  view: MeshView,
  virtual: ConfigObjectOf<'VirtualService'>,
  destinations: readonly RouteDestination[],
  fqdn: string,
): string[] {
  const total = destinations.reduce((sum, each) => sum + each.weight, 0)
  return destinations.map(({ destination, weight }) => {
    const own = view.fullHost(destination.host, virtual.namespace) === fqdn
    const subset = destination.subset === '' ? '' : ` subset "${destination.subset}"`
    const share = destinations.length === 1 || total === 0 ? '' : ` with weight ${Math.round((weight * 100) / total)}%`
    return `Route to host "${destination.host}"${subset}${share}${own ? '' : ' (another service)'}`
  })
}
