// What the objects of a mesh get wrong about one another. Warnings: Istio takes such a set and answers 503, and so does Weft.
import type { Problem } from '../../base/problem.ts'
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { RouteDestination } from '../../model/destination.ts'
import { expandShortName, hostsOverlap, isWildcard, wildcardsOf } from '../host/host-name.ts'
import { checkClientTls } from './check-client-tls.ts'
import { checkDelegates } from './check-delegates.ts'
import { checkServers } from './check-gateways.ts'
import { checkPeerPolicies } from './check-peer-policies.ts'
import { checkRollouts } from './check-rollouts.ts'
import { checkSelectors } from './check-selectors.ts'
import { checkSidecars } from './check-sidecars.ts'
import { Findings } from './findings.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import { type LinkedVirtualService, resolveGateway } from './linked-virtual-service.ts'
import type { MeshService } from './mesh-service.ts'
import { exportedTo, objectsOf } from './precedence.ts'
import type { WorkloadDirectory } from './workload-directory.ts'

export function checkMesh(mesh: LinkedMesh, directory: WorkloadDirectory): readonly Problem[] {
  const findings = new Findings()
  const hosts = new Map<string, MeshService[]>()
  for (const service of mesh.services) {
    const list = hosts.get(service.host)
    if (list) list.push(service)
    else hosts.set(service.host, [service])
  }
  const gateways = new Map(mesh.gateways.map(gateway => [`${gateway.namespace}/${gateway.name}`, gateway]))
  for (const service of [...mesh.virtualServices, ...mesh.delegates]) checkDestinations(mesh, service, hosts, findings)
  for (const service of mesh.virtualServices) checkGateways(gateways, service, findings)
  checkDelegates(mesh, findings)
  checkServers(mesh, findings)
  checkDuplicateHosts(mesh, findings)
  checkDestinationRules(mesh, hosts, findings)
  checkPeerPolicies(mesh, findings)
  checkSelectors(mesh, directory, findings)
  checkSidecars(mesh, hosts, findings)
  checkRollouts(mesh, hosts, findings)
  return findings.problems
}

function checkDestinations(
  mesh: LinkedMesh,
  service: LinkedVirtualService,
  hosts: ReadonlyMap<string, readonly MeshService[]>,
  findings: Findings,
): void {
  for (const [index, route] of service.object.spec.http.entries()) {
    if (route.mirror) checkDestination(mesh, service, route.mirror, `spec.http[${index}].mirror`, hosts, findings)
    for (const [at, mirror] of route.mirrors?.entries() ?? [])
      checkDestination(mesh, service, mirror, `spec.http[${index}].mirrors[${at}].destination`, hosts, findings)
    if (route.action.kind !== 'route') continue
    for (const [at, destination] of route.action.destinations.entries())
      checkDestination(mesh, service, destination, `spec.http[${index}].route[${at}].destination`, hosts, findings)
    if (route.fallback?.kind !== 'destination') continue
    const { destination } = route.fallback
    const placed = { destination, position: route.position }
    checkDestination(mesh, service, placed, 'metadata.annotations["weft.dev/fallback"].destination', hosts, findings)
  }
  for (const kind of ['tls', 'tcp'] as const)
    for (const [index, route] of service[kind].entries())
      for (const [at, destination] of route.destinations.entries())
        checkDestination(mesh, service, destination, `spec.${kind}[${index}].route[${at}].destination`, hosts, findings)
}

function checkDestination(
  mesh: LinkedMesh,
  service: LinkedVirtualService,
  { destination, position }: Pick<RouteDestination, 'destination' | 'position'>,
  path: string,
  hosts: ReadonlyMap<string, readonly MeshService[]>,
  findings: Findings,
): void {
  const host = expandShortName(destination.host, service.namespace, mesh.input.meshConfig.domainSuffix)
  const found = hosts.get(host)?.filter(candidate => exportedTo(candidate.exportTo, service.namespace))
  const target = found?.find(candidate => candidate.namespace === service.namespace) ?? found?.[0]
  const { object } = service
  const outcome = path.startsWith('spec.http') ? 'requests to it get 503' : 'connections to it are closed'
  if (!target) {
    const hint = findings.suggest(host, hosts.keys())
    findings.add('WEFT-1101', object, `${path}.host`, position, `the host "${host}" is not known; ${outcome}`, hint)
    return
  }
  const { port } = destination
  if (port === undefined && target.ports.length > 1) {
    const message = `"${host}" has several ports (${target.ports.map(({ number }) => number).join(', ')}); name one`
    findings.add('WEFT-1105', object, path, position, message)
  } else if (port !== undefined && !target.ports.some(({ number }) => number === port)) {
    const message = `"${host}" has no port ${port}, only ${target.ports.map(({ number }) => number).join(', ')}`
    findings.add('WEFT-1110', object, `${path}.port.number`, position, message)
  }
  if (destination.subset === '') return
  const rule = mesh.destinationRules.of(target, service.namespace, {})
  if (rule?.subsets.some(subset => subset.name === destination.subset)) return
  const hint = findings.suggest(destination.subset, rule?.subsets.map(subset => subset.name) ?? [])
  const message = `no DestinationRule defines the subset "${destination.subset}" of "${host}"; ${outcome}`
  findings.add('WEFT-1102', object, `${path}.subset`, position, message, hint)
}

function checkGateways(
  known: ReadonlyMap<string, ConfigObjectOf<'Gateway'>>,
  service: LinkedVirtualService,
  findings: Findings,
): void {
  const { object } = service
  for (const [index, { value, position }] of object.spec.gateways.entries()) {
    const name = resolveGateway(value, service.namespace)
    if (name === 'mesh') continue
    const gateway = known.get(name)
    if (!gateway) {
      const hint = findings.suggest(name, known.keys())
      findings.add('WEFT-1103', object, `spec.gateways[${index}]`, position, `the Gateway "${name}" is not known`, hint)
      continue
    }
    const served = gateway.spec.servers
      .flatMap(server => server.hosts)
      .filter(host => host.namespace === '*' || host.namespace === service.namespace)
    if (!service.hosts.some(host => served.some(other => hostsOverlap(other.host, host))))
      findings.add('WEFT-1109', object, 'spec.hosts', position, `the Gateway "${name}" serves none of its hosts`)
  }
}

/** IST0109. Private ones of different namespaces do not meet, and routes for bytes add up. */
function checkDuplicateHosts(mesh: LinkedMesh, findings: Findings): void {
  const owners = new Map<string, LinkedVirtualService>()
  for (const service of mesh.virtualServices) {
    if (!service.gateways.has('mesh') || service.http.length === 0) continue
    const audience = service.exportTo.length === 0 ? '*' : [...service.exportTo].sort().join(',')
    for (const [index, host] of service.hosts.entries()) {
      const key = `${host}|${audience}`
      const owner = owners.get(key)
      if (!owner) {
        owners.set(key, service)
        continue
      }
      const position = service.object.spec.hosts[index]?.position ?? service.object.position
      const message = `VirtualService ${owner.namespace}/${owner.name} claims "${host}" too, is older, and wins in sidecars`
      findings.add('WEFT-1104', service.object, `spec.hosts[${index}]`, position, message)
    }
  }
}

function checkDestinationRules(
  mesh: LinkedMesh,
  hosts: ReadonlyMap<string, readonly MeshService[]>,
  findings: Findings,
): void {
  const held = new Set([...hosts.keys()].flatMap(host => [...wildcardsOf(host)]))
  for (const object of objectsOf(mesh.input.objects, 'DestinationRule')) {
    const host = expandShortName(object.spec.host, object.namespace, mesh.input.meshConfig.domainSuffix)
    checkClientTls(object, hosts.get(host) ?? [], findings)
    if (hosts.has(host) || held.has(host)) continue
    const hint = isWildcard(host) ? undefined : findings.suggest(host, hosts.keys())
    findings.add('WEFT-1101', object, 'spec.host', object.spec.hostPosition, `the host "${host}" is not known`, hint)
  }
}
