// HBONE, to a workload whose sidecar has a port for it: a tunnel by CONNECT over HTTP/2 over mesh mTLS. Its authority
// names a port of the workload, and what is inside meets what would have met it there. As Istio's `connect_terminate` and
// the internal listener behind it.
import { create } from '@bufbuild/protobuf'
import type { XdsResource } from '../../model/proxy-resources.ts'
import type { Workload } from '../../model/workload.ts'
import { packAny } from '../../xds/any-pack.ts'
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { Address } from '../../xds/generated/envoy/config/core/v3/address_pb.ts'
import {
  TrafficDirection,
  type TransportSocket,
  TransportSocketSchema,
} from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { type Listener, ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { type VirtualHost, VirtualHostSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { RouteConfigurationSchema } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { InternalUpstreamTransportSchema } from '../../xds/generated/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream_pb.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { circuitBreakers } from './cluster-limits.ts'
import { connectRoute } from './connect-route.ts'
import { tunnelEndManager } from './connection-manager.ts'
import { inboundChains } from './inbound-chains.ts'
import { downstreamTls, rawBuffer } from './mutual-tls.ts'
import { tunnelledInbound } from './resource-names.ts'
import type { InboundResources, ServedPort } from './served-port.ts'
import { socketAddress } from './socket-address.ts'
import { tunnelInto } from './tunnel.ts'

export function hboneResources(mesh: LinkedMesh, workload: Workload, ports: readonly ServedPort[]): InboundResources {
  const { proxy } = workload
  if (proxy?.hbonePort === undefined || ports.length === 0) return { listeners: [], clusters: [] }
  const { bindAddress, hbonePort } = proxy
  return {
    listeners: [
      tunnelEnd(mesh, workload.address, `${bindAddress}_${hbonePort}`, socketAddress(bindAddress, hbonePort), ports),
      ...ports.map(port => internalListener(mesh, port)),
    ],
    clusters: ports.map(internalCluster),
  }
}

/** Whoever has a certificate of the mesh may open a tunnel; what it may do inside is for the port's own policies to say. */
function tunnelEnd(
  mesh: LinkedMesh,
  host: string,
  name: string,
  address: Address,
  ports: readonly ServedPort[],
): XdsResource<Listener> {
  const routes = create(RouteConfigurationSchema, {
    name,
    virtualHosts: virtualHosts(host, ports),
    validateClusters: false,
  })
  const message = create(ListenerSchema, {
    name,
    address,
    trafficDirection: TrafficDirection.INBOUND,
    filterChains: [
      {
        name: `${name}_hbone`,
        transportSocket: downstreamTls('hbone'),
        filters: [tunnelEndManager(mesh.input.meshConfig, `inbound_${name}`, routes)],
      },
    ],
  })
  return { name, message, origins: [] }
}

/** A port is known by its own number, and by the one that peers know; where one is the other's, the own number counts. */
function virtualHosts(address: string, ports: readonly ServedPort[]): VirtualHost[] {
  const host = bracketed(address)
  const own = new Set(ports.map(({ port }) => port.number))
  return ports.map(({ port: { number, inboundPort } }) => {
    const numbers = own.has(inboundPort) ? [number] : [number, inboundPort]
    return create(VirtualHostSchema, {
      name: tunnelledInbound(number),
      domains: numbers.map(each => `${host}:${each}`),
      routes: [connectRoute(tunnelInto(tunnelledInbound(number)))],
    })
  })
}

/** The tunnel is mutual TLS: inside, what comes is taken as from a client that needs none. */
function internalListener(
  mesh: LinkedMesh,
  { port, family, carriers, chainFields, origins }: ServedPort,
): XdsResource<Listener> {
  const name = tunnelledInbound(port.number)
  const { protocolDetectionTimeoutMs } = mesh.input.meshConfig
  const chains = inboundChains(name, family, 'DISABLE', carriers, protocolDetectionTimeoutMs)
  const message = create(ListenerSchema, {
    name,
    listenerSpecifier: { case: 'internalListener', value: {} },
    trafficDirection: TrafficDirection.INBOUND,
    ...chains,
    filterChains: chains.filterChains.map(chain => ({ ...chain, ...chainFields })),
  })
  return { name, message, origins }
}

function internalCluster({ port, bind }: ServedPort): XdsResource<Cluster> {
  const name = tunnelledInbound(port.number)
  const message = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    circuitBreakers: circuitBreakers(undefined),
    transportSocket: internalUpstream(),
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [
            {
              hostIdentifier: {
                case: 'endpoint',
                value: {
                  address: {
                    address: {
                      case: 'envoyInternalAddress',
                      value: {
                        addressNameSpecifier: { case: 'serverListenerName', value: name },
                        // Where it would have come to without a tunnel.
                        endpointId: `${bracketed(bind)}:${port.inboundPort}`,
                      },
                    },
                  },
                },
              },
            },
          ],
        },
      ],
    },
  })
  return { name, message, origins: [] }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Who opened the tunnel is known inside. */
function internalUpstream(): TransportSocket {
  const config = create(InternalUpstreamTransportSchema, { transportSocket: rawBuffer() })
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.internal_upstream',
    configType: { case: 'typedConfig', value: packAny(InternalUpstreamTransportSchema, config) },
  })
}
