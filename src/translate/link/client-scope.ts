// What a group of proxies sees alike: one namespace, and the same answer to every label that a rule asks of clients.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { Destination } from '../../model/destination.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { EgressListener, EgressPort, OutboundTrafficPolicy } from '../../model/sidecar.ts'
import { byPort, type EgressView, egressView, reachable } from './egress-view.ts'
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
  /** What may be sent to: visible services and what rules send to, by host, its own namespace's before older ones. */
  readonly services: ReadonlyMap<string, MeshService>
  /** Among them is one whose host each request names: any rule may send to it. */
  readonly resolvesHosts: boolean
  /** Visible, in Istio's order of look-up. */
  readonly virtualServices: readonly LinkedVirtualService[]
  /** Where what nobody knows goes: out, or nowhere. */
  readonly outboundTrafficPolicy: OutboundTrafficPolicy['mode']
  /** Whom it goes to instead of where it was headed. */
  readonly egressProxy: Destination | null
  /** Visible services by the numbers of the ports that may be spoken HTTP to. */
  readonly servicesByPort: ReadonlyMap<number, readonly MeshService[]>
  /** And by the numbers of the others. */
  readonly tcpServicesByPort: ReadonlyMap<number, readonly MeshService[]>
  /** Where its listeners are bound; empty: loopback. */
  readonly bind: string
}

/** What is seen on the ports that no listener has. */
export interface SidecarScope extends ClientScope {
  readonly listeners: readonly EgressScope[]
}

/** A Sidecar's egress listener with a port, and what is seen there. */
export interface EgressScope {
  readonly port: EgressPort
  readonly alwaysBound: boolean
  readonly scope: ClientScope
}

/** What is seen by who calls a port: the first listener that has it decides, in Istio whatever address it is bound to. */
export function scopeOfPort(scope: SidecarScope, number: number): ClientScope {
  return scope.listeners.find(({ port }) => port.number === number && port.protocol !== 'HTTP_PROXY')?.scope ?? scope
}

/** Sidecars know what their Sidecar says; gateways, which have none, whatever is exported to them. */
export function clientScope(
  mesh: LinkedMesh,
  client: ProxyNode['kind'],
  { namespace, labels }: Pick<ProxyNode, 'namespace' | 'labels'>,
): SidecarScope {
  const signature = mesh.clientSelectors.map(selector => (selects(selector, labels) ? '1' : '0')).join('')
  const sidecar = client === 'sidecar' ? mesh.sidecars.of(namespace, labels) : null
  const own = sidecar ? [`${sidecar.namespace}/${sidecar.name}`] : client === 'sidecar' ? [] : [client]
  const key = [namespace, signature, ...own].join('|')
  return mesh.memo.get(`scope|${key}`, () => makeScope(mesh, key, client, { namespace, labels }, sidecar))
}

function makeScope(
  mesh: LinkedMesh,
  key: string,
  client: ProxyNode['kind'],
  { namespace, labels }: Pick<ProxyNode, 'namespace' | 'labels'>,
  sidecar: ConfigObjectOf<'Sidecar'> | null,
): SidecarScope {
  const { domainSuffix, outboundTrafficPolicy } = mesh.input.meshConfig
  const exported = {
    services: mesh.services.filter(service => exportedTo(service.exportTo, namespace)),
    virtualServices: visibleVirtualServices(mesh.virtualServices, namespace),
  }
  // A rule may send a sidecar to what its own namespace has, whomever that is exported to (a recorded case).
  const destinations = mesh.services.filter(
    service => exportedTo(service.exportTo, namespace) || (service.namespace === namespace && !isHidden(service)),
  )
  const views = (sidecar?.spec.egress ?? [EVERYTHING]).map(listener => egressView(listener, namespace, exported))
  const policy = sidecar?.spec.outboundTrafficPolicy
  const services = client === 'sidecar' ? reachable(views, namespace, destinations, domainSuffix) : views[0]!.visible
  const common = {
    namespace,
    labels,
    services,
    resolvesHosts: [...services.values()].some(({ resolution }) => resolution === 'DYNAMIC_DNS'),
    outboundTrafficPolicy: policy?.mode ?? outboundTrafficPolicy,
    egressProxy: policy?.egressProxy ?? null,
  }
  const seenBy = (view: EgressView, ownKey: string): ClientScope => ({
    ...common,
    key: ownKey,
    virtualServices: view.virtualServices,
    ...byPort(view.visible.values()),
    bind: view.listener.bind,
  })
  const rest = views.find(({ listener }) => listener.port === null)
  return {
    ...(rest ? seenBy(rest, key) : { ...common, key, virtualServices: [], ...byPort([]), bind: '' }),
    listeners: views.flatMap((view, index) => {
      const { port, alwaysBound } = view.listener
      return port ? [{ port, alwaysBound, scope: seenBy(view, `${key}|${index}`) }] : []
    }),
  }
}

/** From everybody. */
function isHidden({ exportTo }: MeshService): boolean {
  return exportTo.includes('~')
}

const NOWHERE = { file: '', line: 0, column: 0 }
/** What a sidecar without a Sidecar sees. */
const EVERYTHING: EgressListener = {
  port: null,
  bind: '',
  alwaysBound: false,
  hosts: [{ namespace: '*', host: '*', excluded: false, position: NOWHERE }],
}
