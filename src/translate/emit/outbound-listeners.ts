// What a sidecar's application connects to.
import { create } from '@bufbuild/protobuf'
import type { Origin } from '../../model/origin.ts'
import { familyOf } from '../../model/port-protocol.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import { TrafficDirection } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  type FilterChain,
  FilterChainSchema,
  type ListenerFilter,
} from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import { type Listener, ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import type { ClientScope, EgressScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { isUnresolved, type MeshService, protocolOf } from '../link/mesh-service.ts'
import { spokenTo } from '../link/service-view.ts'
import { outboundManager } from './connection-manager.ts'
import { duration } from './durations.ts'
import { bytesChains, distinctPlans, takesAll } from './l4-chains.ts'
import { isTls, type L4Plan, l4Plans } from './l4-plans.ts'
import { httpInspector, PLAINTEXT_HTTP, tlsInspector } from './listener-filters.ts'
import { BLACK_HOLE_CLUSTER, HTTP_PROXY_ROUTES } from './resource-names.ts'
import { socketAddress } from './socket-address.ts'
import { strangersCluster } from './strangers.ts'
import { tunnelInto } from './tunnel.ts'

type ListenerParts = Partial<
  Pick<
    Listener,
    | 'filterChains'
    | 'defaultFilterChain'
    | 'listenerFilters'
    | 'listenerFiltersTimeout'
    | 'continueOnListenerFiltersTimeout'
  >
>

const LOOPBACK = '127.0.0.1'

/** What an application's HTTP_PROXY points to. */
export function httpProxyListener(
  mesh: LinkedMesh,
  { outboundTrafficPolicy, services }: ClientScope,
  bind: string,
  port: number,
  routes = HTTP_PROXY_ROUTES,
): XdsResource<Listener> {
  const unresolved = [...services.values()].some(isUnresolved)
  const allowed = unresolved || outboundTrafficPolicy === 'ALLOW_ANY'
  return mesh.memo.get(`listener|http-proxy|${bind}|${port}|${routes}|${allowed}`, () => {
    const manager = outboundManager(mesh.input.meshConfig, `outbound_${bind}_${port}`, routes, allowed)
    return listener(bind, port, { filterChains: [create(FilterChainSchema, { filters: [manager] })] })
  })
}

/**
 * Istio's interception mode NONE: the port of the services, on loopback. Requests are told apart by their host; bytes have
 * none, and go where rules for them say, else to the first service of the port. Where one service declares the port for requests, nothing else comes.
 */
export function portListener(mesh: LinkedMesh, scope: ClientScope, port: number): XdsResource<Listener> {
  const bind = scope.bind || LOOPBACK
  return mesh.memo.get(`listener|port|${bind}|${port}|${scope.key}`, () => {
    const services = scope.servicesByPort.get(port) ?? []
    if (services.some(service => familyOf(protocolOf(service, port)) !== 'undeclared'))
      return listener(bind, port, { filterChains: [requests(mesh, scope, bind, port)] })
    const plans = bytesPlans(mesh, scope, servicesAt(scope, port), port)
    if (services.length === 0) return bytesListener(mesh, plans, bind, port)
    const bytes = bytesChains(mesh.input.meshConfig, plans)
    const origins = plans.flatMap(plan => plan.origins)
    const { filterChainMatch } = create(FilterChainSchema, {
      filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols: PLAINTEXT_HTTP },
    })
    const sniffed = requests(mesh, scope, bind, port)
    sniffed.filterChainMatch = filterChainMatch!
    const inspectors = inspected(mesh, [tlsInspector(), httpInspector()])
    return listener(bind, port, { ...bytes, filterChains: [sniffed, ...bytes.filterChains], ...inspectors }, origins)
  })
}

/** A listener that a Sidecar asks for carries what the Sidecar says, whatever its services do. Null: it has none. */
export function egressListener(mesh: LinkedMesh, { port, scope }: EgressScope): XdsResource<Listener> | null {
  const { number, protocol } = port
  const bind = scope.bind || LOOPBACK
  if (protocol === 'HTTP_PROXY') return httpProxyListener(mesh, scope, bind, number, `${number}`)
  const services = servicesAt(scope, number)
  if (services.length === 0) return null
  return mesh.memo.get(`listener|egress|${bind}|${number}|${scope.key}`, () => {
    if (familyOf(protocol) !== 'tcp')
      return listener(bind, number, { filterChains: [requests(mesh, scope, bind, number)] })
    const spoken = services.map(service => spokenTo(service, number, protocol))
    return bytesListener(mesh, bytesPlans(mesh, scope, spoken, number), bind, number)
  })
}

export function servicesAt(scope: ClientScope, port: number): readonly MeshService[] {
  return [...(scope.servicesByPort.get(port) ?? []), ...(scope.tcpServicesByPort.get(port) ?? [])]
}

function bytesListener(mesh: LinkedMesh, plans: readonly L4Plan[], bind: string, port: number): XdsResource<Listener> {
  const bytes = bytesChains(mesh.input.meshConfig, plans)
  const named = plans.some(plan => plan.serverNames.length > 0)
  const origins = plans.flatMap(plan => plan.origins)
  return listener(bind, port, { ...bytes, ...(named ? inspected(mesh, [tlsInspector()]) : {}) }, origins)
}

/**
 * Of every service of the port, the first before the others. One that takes whatever comes leaves to later ones what they
 * can be told by: the server names of TLS. What none takes is a stranger's, and goes as outboundTrafficPolicy says.
 */
function bytesPlans(
  mesh: LinkedMesh,
  scope: ClientScope,
  services: readonly MeshService[],
  port: number,
): readonly L4Plan[] {
  const plans: L4Plan[] = []
  for (const service of services)
    for (const plan of l4Plans(mesh, scope, service, port)) {
      const byName = takesAll(plan) && plans.length > 0 && isTls(service, port)
      plans.push(byName ? { ...plan, serverNames: [service.host] } : plan)
    }
  const stranger = strangersCluster(scope) ?? BLACK_HOLE_CLUSTER
  return distinctPlans([...plans, { serverNames: [], subnets: [], tunnel: tunnelInto(stranger), origins: [] }])
}

function inspected(mesh: LinkedMesh, listenerFilters: ListenerFilter[]): ListenerParts {
  return {
    listenerFilters,
    listenerFiltersTimeout: duration(mesh.input.meshConfig.protocolDetectionTimeoutMs),
    continueOnListenerFiltersTimeout: true,
  }
}

function requests(mesh: LinkedMesh, scope: ClientScope, bind: string, port: number): FilterChain {
  const manager = outboundManager(mesh.input.meshConfig, `outbound_${bind}_${port}`, `${port}`, scope.resolvesHosts)
  return create(FilterChainSchema, { filters: [manager] })
}

function listener(
  bind: string,
  port: number,
  parts: ListenerParts,
  origins: readonly Origin[] = [],
): XdsResource<Listener> {
  const name = `${bind}_${port}`
  const message = create(ListenerSchema, {
    name,
    address: socketAddress(bind, port),
    trafficDirection: TrafficDirection.OUTBOUND,
    ...parts,
  })
  return { name, message, origins }
}
