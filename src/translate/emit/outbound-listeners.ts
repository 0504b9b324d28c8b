// What a sidecar's application connects to.
import { create } from '@bufbuild/protobuf'
import type { Origin } from '../../model/origin.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import { TrafficDirection } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { type Listener, ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { outboundManager } from './connection-manager.ts'
import { HTTP_PROXY_ROUTES } from './resource-names.ts'
import { socketAddress } from './socket-address.ts'

/** The one listener behind HTTP_PROXY. */
export function httpProxyListener(mesh: LinkedMesh, bind: string, port: number): XdsResource<Listener> {
  return mesh.memo.get(`listener|http-proxy|${bind}|${port}`, () =>
    listener(mesh, bind, port, HTTP_PROXY_ROUTES, true, []),
  )
}

/** Istio's interception mode NONE: the port of the service, on loopback. */
export function portListener(mesh: LinkedMesh, bind: string, port: number): XdsResource<Listener> {
  return mesh.memo.get(`listener|port|${bind}|${port}`, () => listener(mesh, bind, port, `${port}`, false, []))
}

function listener(
  mesh: LinkedMesh,
  bind: string,
  port: number,
  routes: string,
  forwardProxy: boolean,
  origins: readonly Origin[],
): XdsResource<Listener> {
  const name = `${bind}_${port}`
  const allowed = mesh.input.meshConfig.outboundTrafficPolicy === 'ALLOW_ANY'
  const message = create(ListenerSchema, {
    name,
    address: socketAddress(bind, port),
    trafficDirection: TrafficDirection.OUTBOUND,
    filterChains: [
      { filters: [outboundManager(mesh.input.meshConfig, `outbound_${name}`, routes, forwardProxy && allowed)] },
    ],
  })
  return { name, message, origins }
}
