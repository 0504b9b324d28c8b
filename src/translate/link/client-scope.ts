// What a group of proxies sees alike: one namespace, and the same answer to every label that a rule asks of clients.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { MeshConfig } from '../../model/mesh-config.ts'
import { familyOf } from '../../model/port-protocol.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import { expandShortName } from '../host/host-name.ts'
import { type Labels, selects } from './label-selector.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import { destinationsOf, type LinkedVirtualService, visibleVirtualServices } from './linked-virtual-service.ts'
import type { MeshService } from './mesh-service.ts'
import { exportedTo } from './precedence.ts'
import { importsRules, importsService } from './sidecars.ts'

export interface ClientScope {
  readonly key: string
  readonly namespace: string
  /** Of the first proxy of the scope: the others agree with it wherever it matters. */
  readonly labels: Labels
  /** What may be sent to: visible services and what rules send to, by host, its own namespace's before older ones. */
  readonly services: ReadonlyMap<string, MeshService>
  /** Visible, in Istio's order of look-up. */
  readonly virtualServices: readonly LinkedVirtualService[]
  /** Where what nobody knows goes. */
  readonly outboundTrafficPolicy: MeshConfig['outboundTrafficPolicy']
  /** Visible services by the numbers of the ports that may be spoken HTTP to. */
  readonly servicesByPort: ReadonlyMap<number, readonly MeshService[]>
  /** And by the numbers of the others. */
  readonly tcpServicesByPort: ReadonlyMap<number, readonly MeshService[]>
}

/** Sidecars know what their Sidecar says; gateways, which have none, whatever is exported to them. */
export function clientScope(
  mesh: LinkedMesh,
  client: ProxyNode['kind'],
  { namespace, labels }: Pick<ProxyNode, 'namespace' | 'labels'>,
): ClientScope {
  const signature = mesh.clientSelectors.map(selector => (selects(selector, labels) ? '1' : '0')).join('')
  const sidecar = client === 'sidecar' ? mesh.sidecars.of(namespace, labels) : null
  const key = [namespace, signature, ...(sidecar ? [`${sidecar.namespace}/${sidecar.name}`] : [])].join('|')
  return mesh.memo.get(`scope|${key}`, () => makeScope(mesh, key, namespace, labels, sidecar))
}

function makeScope(
  mesh: LinkedMesh,
  key: string,
  namespace: string,
  labels: Labels,
  sidecar: ConfigObjectOf<'Sidecar'> | null,
): ClientScope {
  const exported = mesh.services.filter(service => exportedTo(service.exportTo, namespace))
  const visible = byHost(
    exported.filter(service => importsService(sidecar, namespace, service)),
    namespace,
  )
  const servicesByPort = new Map<number, MeshService[]>()
  const tcpServicesByPort = new Map<number, MeshService[]>()
  for (const service of visible.values())
    for (const { number, protocol } of service.ports) {
      const byPort = familyOf(protocol) === 'tcp' ? tcpServicesByPort : servicesByPort
      const list = byPort.get(number)
      if (list) list.push(service)
      else byPort.set(number, [service])
    }
  const virtualServices = visibleVirtualServices(mesh.virtualServices, namespace).filter(rules =>
    importsRules(sidecar, namespace, rules),
  )
  return {
    key,
    namespace,
    labels,
    services: sidecar ? withDestinations(mesh, visible, byHost(exported, namespace), virtualServices) : visible,
    virtualServices,
    outboundTrafficPolicy: sidecar?.spec.outboundTrafficPolicy ?? mesh.input.meshConfig.outboundTrafficPolicy,
    servicesByPort,
    tcpServicesByPort,
  }
}

function byHost(services: readonly MeshService[], namespace: string): Map<string, MeshService> {
  const found = new Map<string, MeshService>()
  for (const service of services) {
    const known = found.get(service.host)
    if (!known || (service.namespace === namespace && known.namespace !== namespace)) found.set(service.host, service)
  }
  return found
}

/** What a known rule sends to can be sent to, though its name is not known. */
function withDestinations(
  mesh: LinkedMesh,
  visible: ReadonlyMap<string, MeshService>,
  exported: ReadonlyMap<string, MeshService>,
  virtualServices: readonly LinkedVirtualService[],
): ReadonlyMap<string, MeshService> {
  const services = new Map(visible)
  for (const rules of virtualServices)
    for (const host of destinationsOf(rules)) {
      const full = expandShortName(host, rules.namespace, mesh.input.meshConfig.domainSuffix)
      const service = exported.get(full)
      if (service && !services.has(full)) services.set(full, service)
    }
  return services
}
