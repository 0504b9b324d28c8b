// What a group of proxies sees alike: one namespace, and the same answer to every label that a rule asks of clients.
import { familyOf } from '../../model/port-protocol.ts'
import { type Labels, selects } from './label-selector.ts'
import type { LinkedMesh } from './linked-mesh.ts'
import { type LinkedVirtualService, visibleVirtualServices } from './linked-virtual-service.ts'
import type { MeshService } from './mesh-service.ts'
import { exportedTo } from './precedence.ts'

export interface ClientScope {
  readonly key: string
  readonly namespace: string
  /** Of the first proxy of the scope: the others agree with it wherever it matters. */
  readonly labels: Labels
  /** Visible services: by host, its own namespace's before older ones. */
  readonly services: ReadonlyMap<string, MeshService>
  /** Visible, in Istio's order of look-up. */
  readonly virtualServices: readonly LinkedVirtualService[]
  /** Services by the numbers of the ports that may be spoken HTTP to. */
  readonly servicesByPort: ReadonlyMap<number, readonly MeshService[]>
  /** And by the numbers of the others. */
  readonly tcpServicesByPort: ReadonlyMap<number, readonly MeshService[]>
}

export function clientScope(mesh: LinkedMesh, namespace: string, labels: Labels): ClientScope {
  const signature = mesh.clientSelectors.map(selector => (selects(selector, labels) ? '1' : '0')).join('')
  const key = `${namespace}|${signature}`
  return mesh.memo.get(`scope|${key}`, () => makeScope(mesh, key, namespace, labels))
}

function makeScope(mesh: LinkedMesh, key: string, namespace: string, labels: Labels): ClientScope {
  const services = new Map<string, MeshService>()
  for (const service of mesh.services) {
    if (!exportedTo(service.exportTo, namespace)) continue
    const known = services.get(service.host)
    if (!known || (service.namespace === namespace && known.namespace !== namespace))
      services.set(service.host, service)
  }
  const servicesByPort = new Map<number, MeshService[]>()
  const tcpServicesByPort = new Map<number, MeshService[]>()
  for (const service of services.values())
    for (const { number, protocol } of service.ports) {
      const byPort = familyOf(protocol) === 'tcp' ? tcpServicesByPort : servicesByPort
      const list = byPort.get(number)
      if (list) list.push(service)
      else byPort.set(number, [service])
    }
  const virtualServices = visibleVirtualServices(mesh.virtualServices, namespace)
  return { key, namespace, labels, services, virtualServices, servicesByPort, tcpServicesByPort }
}
