// The resource types of xDS v3 that the mesh serves and reads, and the order in which they are sent.

export const TYPE_URL = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
} as const

export type ResourceType = keyof typeof TYPE_URL

/** Make before break: what is referred to arrives before what refers to it (Envoy, xds_protocol, "eventual consistency"). */
export const SEND_ORDER: readonly ResourceType[] = ['cluster', 'endpoint', 'secret', 'listener', 'route']

const BY_URL = new Map<string, ResourceType>(Object.entries(TYPE_URL).map(([type, url]) => [url, type as ResourceType]))

export function resourceTypeOf(typeUrl: string): ResourceType | undefined {
  return BY_URL.get(typeUrl)
}
