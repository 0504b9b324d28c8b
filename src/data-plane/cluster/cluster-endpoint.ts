// One endpoint of a cluster. The same object lives through updates while address and transport stay, and with it its
// connections and counters.
import { isIPv6 } from 'node:net'
import type { JsonObject } from '@bufbuild/protobuf'
import { type Locality, NO_LOCALITY } from '../../model/locality.ts'
import type { CheckState } from '../health-checker/check-state.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type {
  CheckMonitor,
  Endpoint,
  EndpointDependent,
  EndpointMonitor,
  EndpointStats,
  RequestTracker,
} from './cluster.ts'
import { type CheckOptions, OWN_CHECK_OPTIONS } from './endpoint-spec.ts'

export class ClusterEndpoint implements Endpoint {
  readonly key: string
  readonly address: string
  readonly port: number
  readonly transport: UpstreamTransport
  hostname = ''
  weight: number
  activeRequests = 0
  readonly stats: EndpointStats = {
    requestsTotal: 0,
    requestsSuccess: 0,
    requestsError: 0,
    connectionsTotal: 0,
    connectionsActive: 0,
    connectFailures: 0,
  }
  priority = 0
  healthy = true
  ejection: Endpoint['ejection'] = 'closed'
  monitor: EndpointMonitor | null = null
  /** As its registry says. */
  announcedDegraded = false
  announcedDraining = false
  check: CheckState | null = null
  checkMonitor: CheckMonitor | null = null
  checkOptions: CheckOptions = OWN_CHECK_OPTIONS
  /** What chooses the transport socket of its checks. */
  transportMatch: Readonly<JsonObject> = {}
  leaving = false
  dependents: Set<EndpointDependent> | null = null
  usableSince = 0
  locality: Locality = NO_LOCALITY
  /** Of its locality as a whole; 0: none was given. */
  localityWeight = 0
  hashKey: string
  tracker: RequestTracker | null = null

  constructor(address: string, port: number, weight: number, transport: UpstreamTransport) {
    this.key = endpointKey(address, port)
    this.hashKey = this.key
    this.address = address
    this.port = port
    this.weight = weight
    this.transport = transport
  }

  get usable(): boolean {
    return this.healthy && this.ejection !== 'open' && this.check?.failed !== true
  }

  get degraded(): boolean {
    return this.announcedDegraded || this.check?.degraded === true
  }

  /** Not to be counted among the endpoints of its cluster when it is asked how many of them are well (Envoy). */
  get excluded(): boolean {
    return this.announcedDraining || (this.check !== null && (this.check.pending || this.check.excluded))
  }
}

/** Of internal addresses, which have no port, it is the address itself. */
export function endpointKey(address: string, port: number): string {
  if (port === 0) return address
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}
