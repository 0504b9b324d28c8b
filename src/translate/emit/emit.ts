// Everything that one proxy is told.
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { ProxyResources, XdsResource } from '../../model/proxy-resources.ts'
import { type ClientScope, clientScope, type SidecarScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { blackHole, passthrough } from './built-in-clusters.ts'
import { clientClusters, relayClusters, tunnelClusters } from './client-clusters.ts'
import { clientPlace } from './client-place.ts'
import { gatewayResources } from './gateway.ts'
import { inboundResources } from './inbound.ts'
import { outboundResources } from './outbound.ts'
import { rateLimitCluster } from './rate-limit-cluster.ts'

const LOOPBACK = '127.0.0.1'

/** Pure: the same mesh and node give equal resources, and shared ones are the same objects for every node. */
export function emit(mesh: LinkedMesh, node: ProxyNode): ProxyResources {
  const scope = clientScope(mesh, node.kind, node)
  return node.kind === 'router' ? emitGateway(mesh, node, scope) : emitSidecar(mesh, node, scope)
}

function emitGateway(mesh: LinkedMesh, node: ProxyNode, scope: ClientScope): ProxyResources {
  const place = clientPlace(mesh, node)
  const { clusters, endpoints } = clientClusters(mesh, scope, 'router', place)
  const { listeners, routes, relaysBytes, relaysByName } = gatewayResources(mesh, node, scope)
  const tunnels = relaysBytes ? tunnelClusters(mesh, scope, 'router', place) : []
  const relays = relaysByName ? relayClusters(mesh, scope, place) : { clusters: [], endpoints: [] }
  return {
    listeners,
    routes,
    clusters: [blackHole(mesh), ...clusters, ...tunnels, ...relays.clusters, ...asked(mesh, node)],
    endpoints: [...endpoints, ...relays.endpoints],
  }
}

function emitSidecar(mesh: LinkedMesh, node: ProxyNode, scope: SidecarScope): ProxyResources {
  const place = clientPlace(mesh, node)
  const inbound = node.workload ? inboundResources(mesh, node.workload) : { listeners: [], clusters: [] }
  const proxy = node.workload?.proxy
  const proxyPort = proxy?.httpProxyPort ?? mesh.input.meshConfig.proxyHttpPort
  const client = proxyPort > 0 ? 'http-proxy' : 'sidecar'
  const { clusters, endpoints } = clientClusters(mesh, scope, client, place)
  // A port that peers reach the workload on is taken: Envoy refuses a second listener of the same address.
  const taken = new Set(inbound.listeners.map(listener => listener.name))
  const outbound = outboundResources(mesh, scope, proxy?.bindAddress ?? LOOPBACK, proxyPort, taken)
  return {
    listeners: [...inbound.listeners, ...outbound.listeners],
    routes: outbound.routes,
    clusters: [
      blackHole(mesh),
      passthrough(mesh, client),
      ...inbound.clusters,
      ...clusters,
      ...tunnelClusters(mesh, scope, client, place),
      ...asked(mesh, node),
    ],
    endpoints,
  }
}

/** Services of the control plane that this proxy's policies ask. */
function asked(mesh: LinkedMesh, { namespace, labels }: ProxyNode): readonly XdsResource[] {
  const limits = mesh.rateLimits.of(namespace, labels)
  return limits.some(({ spec }) => spec.scope === 'global') ? [rateLimitCluster(mesh)] : []
}
