// What a sidecar's application connects to.
import { create } from '@bufbuild/protobuf'
import { familyOf } from '../../model/port-protocol.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import { TrafficDirection } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  type FilterChain,
  FilterChainSchema,
} from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import { type Listener, ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import type { ClientScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { protocolOf } from '../link/mesh-service.ts'
import { outboundManager } from './connection-manager.ts'
import { duration } from './durations.ts'
import { httpInspector, PLAINTEXT_HTTP, tlsInspector } from './listener-filters.ts'
import { HTTP_PROXY_ROUTES } from './resource-names.ts'
import { socketAddress } from './socket-address.ts'
import { tcpProxy } from './tcp-proxy.ts'
import { tunnelTo } from './tunnel.ts'

type ListenerParts = Partial<
  Pick<Listener, 'filterChains' | 'listenerFilters' | 'listenerFiltersTimeout' | 'continueOnListenerFiltersTimeout'>
>

/** The one listener behind HTTP_PROXY. */
export function httpProxyListener(mesh: LinkedMesh, bind: string, port: number): XdsResource<Listener> {
  return mesh.memo.get(`listener|http-proxy|${bind}|${port}`, () => {
    const allowed = mesh.input.meshConfig.outboundTrafficPolicy === 'ALLOW_ANY'
    const manager = outboundManager(mesh.input.meshConfig, `outbound_${bind}_${port}`, HTTP_PROXY_ROUTES, allowed)
    return listener(bind, port, { filterChains: [create(FilterChainSchema, { filters: [manager] })] })
  })
}

/**
 * Istio's interception mode NONE: the port of the services, on loopback. Requests are told apart by their host; bytes have
 * none, and go to the first service of the port. Where one service declares the port for requests, nothing else comes.
 */
export function portListener(mesh: LinkedMesh, scope: ClientScope, bind: string, port: number): XdsResource<Listener> {
  return mesh.memo.get(`listener|port|${bind}|${port}|${scope.key}`, () => {
    const services = scope.servicesByPort.get(port) ?? []
    if (services.some(service => familyOf(protocolOf(service, port)) !== 'undeclared'))
      return listener(bind, port, { filterChains: [requests(mesh, bind, port)] })
    const first = services[0] ?? scope.tcpServicesByPort.get(port)![0]!
    const { cluster, policy } = tunnelTo(mesh, scope, first, port)
    const bytes = create(FilterChainSchema, { filters: [tcpProxy(mesh.input.meshConfig, cluster, policy)] })
    if (services.length === 0) return listener(bind, port, { filterChains: [bytes] })
    const { filterChainMatch } = create(FilterChainSchema, {
      filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols: PLAINTEXT_HTTP },
    })
    const sniffed = requests(mesh, bind, port)
    sniffed.filterChainMatch = filterChainMatch!
    return listener(bind, port, {
      filterChains: [sniffed, bytes],
      listenerFilters: [tlsInspector(), httpInspector()],
      listenerFiltersTimeout: duration(mesh.input.meshConfig.protocolDetectionTimeoutMs),
      continueOnListenerFiltersTimeout: true,
    })
  })
}

function requests(mesh: LinkedMesh, bind: string, port: number): FilterChain {
  const manager = outboundManager(mesh.input.meshConfig, `outbound_${bind}_${port}`, `${port}`, false)
  return create(FilterChainSchema, { filters: [manager] })
}

function listener(bind: string, port: number, parts: ListenerParts): XdsResource<Listener> {
  const name = `${bind}_${port}`
  const message = create(ListenerSchema, {
    name,
    address: socketAddress(bind, port),
    trafficDirection: TrafficDirection.OUTBOUND,
    ...parts,
  })
  return { name, message, origins: [] }
}
