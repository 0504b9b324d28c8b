// One stream's facts, filled in on its way and read once, at its end, by access log and stats.
import { getHeader, type HeaderList } from '../transport/header-list.ts'
import { ACCESS_LOG_TYPE } from './access-log-type.ts'
import type { ConnectionInfo } from './connection-info.ts'
import type { MetadataSource, MetadataValue, StreamMetadata } from './stream-metadata.ts'
import { StreamRecord } from './stream-record.ts'
import type { UpstreamCluster } from './upstream-cluster.ts'
import type { UpstreamConnectionInfo } from './upstream-connection-info.ts'
import type { UpstreamHost } from './upstream-host.ts'
import type { VirtualCluster } from './virtual-cluster.ts'

const NONE: HeaderList = []

export class StreamInfo implements MetadataSource {
  readonly connection: ConnectionInfo
  /** Epoch milliseconds. */
  readonly startTime: number
  /** Monotonic milliseconds. */
  readonly startedAt: number
  /** The client, where proxies before this one are trusted to say who it is; empty: who connects. */
  clientIp = ''
  /** Empty for a connection whose bytes nobody reads: TCP. */
  protocol = 'HTTP/1.1'
  method = ''
  /** As it came, and once a route has rewritten it, as it is sent: x-envoy-original-path is the former then. */
  path = ''
  authority = ''
  /** Empty: the connection's own. */
  scheme = ''
  requestHeaders: HeaderList = []
  responseHeaders: HeaderList = []
  responseTrailers: HeaderList = NONE
  /** 0 when no response was sent. */
  responseCode = 0
  /** Bits of RESPONSE_FLAG. */
  responseFlags = 0
  responseCodeDetails = ''
  connectionTerminationDetails = ''
  /** While local_reply_config makes another of it; a character for each byte. */
  localReplyBody = ''
  upstreamTransportFailureReason = ''
  /** Body bytes. */
  bytesReceived = 0
  bytesSent = 0
  /** Whole life of the stream, milliseconds. */
  duration = 0
  /** `address:port`; empty when none was chosen. */
  upstreamHost = ''
  /** Its name, where it has one. */
  upstreamHostname = ''
  /** Where the route sends it; null: nowhere yet. */
  cluster: UpstreamCluster | null = null
  /** Of the latest try that had one. */
  upstream: UpstreamConnectionInfo | null = null
  routeName = ''
  virtualCluster: VirtualCluster | null = null
  attemptCount = 0
  /** The health_check filter takes it for one. */
  isHealthCheck = false
  /** Of ACCESS_LOG_TYPE: why it is logged now. */
  logType: number = ACCESS_LOG_TYPE.downstreamEnd
  /** Of a TCP connection, once it was asked for. */
  streamId = ''
  /** Null where no access log asks for it. */
  record: StreamRecord | null = null
  /** What filters say of the stream (Envoy's dynamic metadata), the latest first. */
  metadata: StreamMetadata | null = null

  constructor(connection: ConnectionInfo, startTime: number, startedAt: number) {
    this.connection = connection
    this.startTime = startTime
    this.startedAt = startedAt
  }

  /** Of the stream that follows an internal redirect: what is known of the client and its request (Envoy). */
  again(): StreamInfo {
    const info = new StreamInfo(this.connection, this.startTime, this.startedAt)
    info.clientIp = this.clientIp
    info.protocol = this.protocol
    info.bytesReceived = this.bytesReceived
    if (this.record !== null) {
      info.record = new StreamRecord()
      info.record.lastDownstreamRx = this.record.lastDownstreamRx
    }
    return info
  }

  addMetadata(namespace: string, key: string, value: MetadataValue): void {
    this.metadata = { namespace, key, value, before: this.metadata }
  }

  metadataOf(namespace: string, key: string): MetadataValue | undefined {
    for (let entry = this.metadata; entry !== null; entry = entry.before) {
      if (entry.namespace === namespace && entry.key === key) return entry.value
    }
    return undefined
  }

  /** All that was said below one namespace; null when nothing was. */
  allMetadata(namespace: string): MetadataValue {
    // Keys may be a client's: `__proto__` among them.
    const all: Record<string, MetadataValue> = Object.create(null)
    for (let entry = this.metadata; entry !== null; entry = entry.before) {
      if (entry.namespace === namespace && !Object.hasOwn(all, entry.key)) all[entry.key] = entry.value
    }
    return Object.keys(all).length === 0 ? null : all
  }

  get upstreamCluster(): string {
    return this.cluster?.name ?? ''
  }

  get requestId(): string | null {
    return getHeader(this.requestHeaders, 'x-request-id') ?? null
  }

  /** `host` is tried. */
  goTo(host: UpstreamHost): void {
    this.goBackTo(host)
    this.record?.hosts.push(host)
  }

  /** Of several tries it is this one that counts. */
  goBackTo(host: UpstreamHost): void {
    this.upstreamHost = host.key
    this.upstreamHostname = host.hostname
  }

  /** What is sent goes out on it. */
  goBy(connection: UpstreamConnectionInfo | null): void {
    this.upstream = connection
    if (connection !== null) this.record?.connectionIds.push(connection.id)
  }
}

/** Called for each stream at its end, and before that where config says so. Must not throw, block or wait. */
export interface AccessLog {
  /** It tells what is in `record`. */
  readonly needsRecord: boolean
  log(info: StreamInfo): void
}
