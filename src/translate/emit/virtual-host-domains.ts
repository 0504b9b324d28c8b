// Names by which a client in a namespace may call a service.
import type { MeshService } from '../link/mesh-service.ts'

/** Without ports. Full names come first; the alternatives only belong to it where no full name claims them. */
export interface ServiceDomains {
  readonly full: readonly string[]
  readonly alternatives: readonly string[]
}

/** As Kubernetes' DNS search path would complete them: a bare name within its own namespace only. */
export function serviceDomains(service: MeshService, clientNamespace: string): ServiceDomains {
  const { host } = service
  const full = [host, ...service.addresses.map(bracketed)]
  if (service.headless) full.push(`*.${host}`)
  const suffix = host.indexOf('.svc.')
  const dot = host.indexOf('.')
  if (suffix <= 0 || dot <= 0 || dot >= suffix) return { full, alternatives: [] }
  const short = host.slice(0, suffix)
  const namespace = host.slice(dot + 1, suffix)
  const own = namespace === clientNamespace ? [host.slice(0, dot)] : []
  return { full, alternatives: [`${host}.`, ...own, `${short}.svc`, short] }
}

/** IPv6 addresses stand in brackets in an authority (RFC 3986, 3.2.2). */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
