// Names that tie resources together, made as Istio makes them.

/** `outbound|9080|v1|reviews.default.svc.cluster.local` */
export function outboundCluster(port: number, subset: string, host: string): string {
  return `outbound|${port}|${subset}|${host}`
}

/** `outbound-tcp|9080||reviews.default.svc.cluster.local`: the same endpoints, told that no HTTP is coming. */
export function tunnelCluster(port: number, subset: string, host: string): string {
  return `outbound-tcp|${port}|${subset}|${host}`
}

/** Of a service's port: rules may name such as no service has, and a name that nobody has leads nowhere. */
export function isOutboundCluster(name: string): boolean {
  return name.startsWith('outbound|') || name.startsWith('outbound-tcp|') || name.startsWith('outbound_.')
}

/** `inbound|9080||` */
export function inboundCluster(port: number): string {
  return `inbound|${port}||`
}

/** `inbound-hbone|9080||`: the cluster that a tunnel ends in, and the internal listener that it leads to. */
export function tunnelledInbound(port: number): string {
  return `inbound-hbone|${port}||`
}

/** `outbound_.9080_.v1_.reviews.default.svc.cluster.local`: no `|` may occur in a server name. */
export function outboundServerName(port: number, subset: string, host: string): string {
  return `outbound_.${port}_.${subset}_.${host}`
}

export const PASSTHROUGH_CLUSTER = 'PassthroughCluster'
export const BLACK_HOLE_CLUSTER = 'BlackHoleCluster'
/** The mesh's rate limit service. */
export const RATE_LIMIT_CLUSTER = 'weft-rate-limit'
export const HTTP_PROXY_ROUTES = 'http_proxy'

/** By which Istio's metadata name an object. */
export function configPath(kind: string, namespace: string, name: string): string {
  return `/apis/networking.istio.io/v1/namespaces/${namespace}/${kind}/${name}`
}
