// One stream's facts, filled in on its way and read once, at its end, by access log and stats.
import type { HeaderList } from '../transport/header-list.ts'
import type { ConnectionInfo } from './connection-info.ts'
import type { MetadataSource, MetadataValue, StreamMetadata } from './stream-metadata.ts'

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
  requestHeaders: HeaderList = []
  responseHeaders: HeaderList = []
  responseTrailers: HeaderList = NONE
  /** 0 when no response was sent. */
  responseCode = 0
  /** Bits of RESPONSE_FLAG. */
  responseFlags = 0
  responseCodeDetails = ''
  connectionTerminationDetails = ''
  upstreamTransportFailureReason = ''
  /** Body bytes. */
  bytesReceived = 0
  bytesSent = 0
  /** Whole life of the stream, milliseconds. */
  duration = 0
  /** `address:port`; empty when none was chosen. */
  upstreamHost = ''
  upstreamCluster = ''
  upstreamLocalAddress = ''
  routeName = ''
  attemptCount = 0
  /** What filters say of the stream (Envoy's dynamic metadata), the latest first. */
  metadata: StreamMetadata | null = null

  constructor(connection: ConnectionInfo, startTime: number, startedAt: number) {
    this.connection = connection
    this.startTime = startTime
    this.startedAt = startedAt
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

  /** As text; null when there was none. */
  readMetadata(namespace: string, key: string): string | null {
    const value = this.metadataOf(namespace, key)
    return typeof value === 'string' ? value : null
  }
}

/** Called once for each stream, at its end. Must not throw, block or wait. */
export interface AccessLog {
  log(info: StreamInfo): void
}
