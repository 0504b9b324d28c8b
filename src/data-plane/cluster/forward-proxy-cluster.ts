// A dynamic forward proxy cluster: its endpoints are the authorities that requests ask for, made on demand.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { Endpoint, PickContext, Picker } from './cluster.ts'
import type { ClusterConfig } from './cluster-config.ts'
import { ClusterEndpoint } from './cluster-endpoint.ts'
import { type ClusterCounts, ConfiguredCluster } from './configured-cluster.ts'
import type { ForwardProxyConfig } from './forward-proxy-config.ts'

const DEFAULT_PORTS: Readonly<Record<UpstreamTransport['name'], string>> = { raw_buffer: '80', tls: '443' }
const PORT = /^[1-9][0-9]{0,4}$/

interface Destination {
  readonly endpoint: ClusterEndpoint
  usedAt: number
}

export class ForwardProxyCluster extends ConfiguredCluster implements Picker {
  /** In the order of their last use, which is a Map's order of insertion. */
  readonly #byAuthority = new Map<string, Destination>()
  readonly #bounds: Pick<ForwardProxyConfig, 'maxHosts' | 'hostTtlMs'>
  readonly #clock: Clock
  #sweep: Timer | null = null

  constructor(config: ClusterConfig, counts: ClusterCounts, random: Random, bounds: ForwardProxyConfig, clock: Clock) {
    super(config, counts, random)
    this.#bounds = bounds
    this.#clock = clock
  }

  override get picker(): Picker {
    return this
  }

  override get endpoints(): readonly Endpoint[] {
    return [...this.#byAuthority.values()].map(({ endpoint }) => endpoint)
  }

  pick(context: PickContext): Endpoint | null {
    const { authority } = context
    const known = this.#byAuthority.get(authority)
    if (known !== undefined) {
      this.#byAuthority.delete(authority)
      this.#byAuthority.set(authority, known)
      known.usedAt = this.#clock.now()
      return known.endpoint
    }
    const transport = this.config.transports.choose({})
    const destination = splitAuthority(authority, DEFAULT_PORTS[transport.name])
    if (destination === null) return null
    if (this.#byAuthority.size >= this.#bounds.maxHosts && !this.#makeRoom()) return null
    const endpoint = new ClusterEndpoint(destination.host, destination.port, 1, transport)
    endpoint.hostname = authority
    this.#byAuthority.set(authority, { endpoint, usedAt: this.#clock.now() })
    if (this.live) this.#sweep ??= this.#sweepLater()
    return endpoint
  }

  override retire(): void {
    super.retire()
    this.#sweep?.cancel()
    this.#sweep = null
    this.#byAuthority.clear()
  }

  /** Looks every host_ttl for what nobody has used for so long: it goes within two of them (Envoy: at its next refresh). */
  #sweepLater(): Timer {
    return this.#clock.setTimer(this.#bounds.hostTtlMs, () => {
      const latest = this.#clock.now() - this.#bounds.hostTtlMs
      for (const [authority, { endpoint, usedAt }] of this.#byAuthority) {
        if (usedAt > latest) break
        if (endpoint.activeRequests === 0) this.#forget(authority, endpoint)
      }
      this.#sweep = this.#byAuthority.size > 0 ? this.#sweepLater() : null
    })
  }

  /** Envoy refuses what exceeds max_hosts; here the endpoint unused for longest goes. */
  #makeRoom(): boolean {
    for (const [authority, { endpoint }] of this.#byAuthority) {
      if (endpoint.activeRequests > 0) continue
      this.#forget(authority, endpoint)
      return true
    }
    return false
  }

  #forget(authority: string, endpoint: Endpoint): void {
    this.#byAuthority.delete(authority)
    this.announceRemoval(endpoint)
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
