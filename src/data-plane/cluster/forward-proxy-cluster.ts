// A dynamic forward proxy cluster: its endpoints are the authorities that requests ask for, made on demand.
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { Endpoint, PickContext, Picker } from './cluster.ts'
import { ClusterEndpoint } from './cluster-endpoint.ts'
import { ConfiguredCluster } from './configured-cluster.ts'

/** Envoy's dns_cache_config.max_hosts. Beyond it the endpoint unused for longest makes room. */
const MAX_ENDPOINTS = 1024
const DEFAULT_PORTS: Readonly<Record<UpstreamTransport['name'], string>> = { raw_buffer: '80', tls: '443' }
const PORT = /^[1-9][0-9]{0,4}$/

export class ForwardProxyCluster extends ConfiguredCluster implements Picker {
  /** In the order of their last use, which is a Map's order of insertion. */
  readonly #byAuthority = new Map<string, ClusterEndpoint>()

  override get picker(): Picker {
    return this
  }

  override get endpoints(): readonly Endpoint[] {
    return [...this.#byAuthority.values()]
  }

  pick(context: PickContext): Endpoint | null {
    const { authority } = context
    const known = this.#byAuthority.get(authority)
    if (known !== undefined) {
      this.#byAuthority.delete(authority)
      this.#byAuthority.set(authority, known)
      return known
    }
    const transport = this.config.transports.choose({})
    const destination = splitAuthority(authority, DEFAULT_PORTS[transport.name])
    if (destination === null) return null
    if (this.#byAuthority.size >= MAX_ENDPOINTS && !this.#makeRoom()) return null
    const endpoint = new ClusterEndpoint(destination.host, destination.port, 1, transport)
    endpoint.hostname = authority
    this.#byAuthority.set(authority, endpoint)
    return endpoint
  }

  override retire(): void {
    super.retire()
    this.#byAuthority.clear()
  }

  #makeRoom(): boolean {
    for (const [authority, endpoint] of this.#byAuthority) {
      if (endpoint.activeRequests > 0) continue
      this.#byAuthority.delete(authority)
      this.announceRemoval(endpoint)
      return true
    }
    return false
  }
}

/** `host:port`, `host` or `[v6]:port`; null for what names no host. */
function splitAuthority(authority: string, defaultPort: string): { host: string; port: number } | null {
  const bracket = authority.lastIndexOf(']')
  const colon = authority.indexOf(':', bracket + 1)
  const host = colon < 0 ? authority : authority.slice(0, colon)
  const digits = colon < 0 ? defaultPort : authority.slice(colon + 1)
  // In one spelling only: `0x50` and `080` would pass by the virtual hosts of port 80.
  if (host === '' || !PORT.test(digits)) return null
  const port = Number(digits)
  if (port > 65_535) return null
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port }
}
