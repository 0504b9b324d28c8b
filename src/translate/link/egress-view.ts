// What one egress listener lets its callers see: services, and the rules for them.
import { familyOf } from '../../model/port-protocol.ts'
import type { EgressListener } from '../../model/sidecar.ts'
import { expandShortName } from '../host/host-name.ts'
import { destinationsOf, type LinkedVirtualService, withoutIdleDefaults } from './linked-virtual-service.ts'
import type { MeshService } from './mesh-service.ts'
import { withPorts } from './service-view.ts'
import { importsRules, importsService } from './sidecars.ts'

export interface EgressView {
  readonly listener: EgressListener
  /** By host; where the listener has a port, those that have it, and no other port of theirs. */
  readonly visible: ReadonlyMap<string, MeshService>
  readonly virtualServices: readonly LinkedVirtualService[]
}

/** What is exported to the namespace of the callers. */
export interface Exported {
  readonly services: readonly MeshService[]
  /** In Istio's order of look-up. */
  readonly virtualServices: readonly LinkedVirtualService[]
}

export function egressView(listener: EgressListener, namespace: string, exported: Exported): EgressView {
  const services = exported.services.flatMap(service => {
    const seen = importsService(listener, namespace, service) && atPort(listener, service)
    return seen ? [seen] : []
  })
  return {
    listener,
    visible: byHost(services, namespace),
    virtualServices: withoutIdleDefaults(
      exported.virtualServices.filter(rules => importsRules(listener, namespace, rules)),
    ),
  }
}

/** Null: it has no such port. A listener that is an HTTP proxy has any. */
function atPort({ port }: EgressListener, service: MeshService): MeshService | null {
  if (!port || port.protocol === 'HTTP_PROXY') return service
  const seen = withPorts(service, new Set([port.number]))
  return seen.ports.length > 0 ? seen : null
}

/** Its own namespace's before older ones. */
function byHost(services: readonly MeshService[], namespace: string): Map<string, MeshService> {
  const found = new Map<string, MeshService>()
  for (const service of services) {
    const known = found.get(service.host)
    if (!known || (service.namespace === namespace && known.namespace !== namespace)) found.set(service.host, service)
  }
  return found
}

/** All that may be sent to: what is visible, and what a known rule sends to, though its name is not known. */
export function reachable(
  views: readonly EgressView[],
  namespace: string,
  services: readonly MeshService[],
  domainSuffix: string,
): ReadonlyMap<string, MeshService> {
  const whole = byHost(services, namespace)
  const reached = new Map<string, MeshService>()
  for (const { visible } of views) for (const service of visible.values()) add(reached, service, services)
  for (const { listener, virtualServices } of views)
    for (const rules of virtualServices)
      for (const host of destinationsOf(rules)) {
        const service = whole.get(expandShortName(host, rules.namespace, domainSuffix))
        const seen = service && atPort(listener, service)
        if (seen) add(reached, seen, services)
      }
  return reached
}

/** A second part of the same service comes to the first. */
function add(reached: Map<string, MeshService>, service: MeshService, all: readonly MeshService[]): void {
  const known = reached.get(service.host)
  if (!known) {
    reached.set(service.host, service)
    return
  }
  if (known.namespace !== service.namespace || service.ports.every(port => has(known, port.number))) return
  const whole = all.find(({ host, namespace }) => host === service.host && namespace === service.namespace)
  const numbers = new Set([...known.ports, ...service.ports].map(({ number }) => number))
  if (whole) reached.set(service.host, withPorts(whole, numbers))
}

function has(service: MeshService, number: number): boolean {
  return service.ports.some(port => port.number === number)
}

/** Services by the numbers of the ports that may be spoken HTTP to, and by the numbers of the others. */
export function byPort(services: Iterable<MeshService>): {
  readonly servicesByPort: ReadonlyMap<number, readonly MeshService[]>
  readonly tcpServicesByPort: ReadonlyMap<number, readonly MeshService[]>
} {
  const servicesByPort = new Map<number, MeshService[]>()
  const tcpServicesByPort = new Map<number, MeshService[]>()
  for (const service of services)
    for (const { number, protocol } of service.ports) {
      const index = familyOf(protocol) === 'tcp' ? tcpServicesByPort : servicesByPort
      const list = index.get(number)
      if (list) list.push(service)
      else index.set(number, [service])
    }
  return { servicesByPort, tcpServicesByPort }
}
