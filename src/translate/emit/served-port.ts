// A port of a workload, as its sidecar serves it.
import type { Origin } from '../../model/origin.ts'
import type { MutualTlsMode } from '../../model/peer-authentication.ts'
import type { ProtocolFamily } from '../../model/port-protocol.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import type { ServerTls } from '../../model/server-tls.ts'
import type { WorkloadPort } from '../../model/workload.ts'
import type { Cluster } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { Listener } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import type { Carriers } from './inbound-chains.ts'
import type { standardHeaders } from './rate-limit-filters.ts'

/** What a port of the workload does with what comes to it. */
export interface ServedPort {
  readonly port: WorkloadPort
  readonly bind: string
  /** Of its listener. */
  readonly name: string
  readonly family: ProtocolFamily
  readonly mode: MutualTlsMode
  /** Of the port's own, in place of the mesh's. */
  readonly tls: ServerTls | null
  readonly carriers: Carriers
  /** Of each of its filter chains. */
  readonly chainFields: ReturnType<typeof standardHeaders>
  readonly origins: readonly Origin[]
}

export interface InboundResources {
  readonly listeners: readonly XdsResource<Listener>[]
  readonly clusters: readonly XdsResource<Cluster>[]
}
