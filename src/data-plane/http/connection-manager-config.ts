// What a listener's connection manager does, compiled: read by its connections and streams, changed by none.
import type { Clock } from '../../base/clock.ts'
import type { HttpDate } from '../../base/http-date.ts'
import type { Random } from '../../base/random.ts'
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { UuidSource } from '../../base/uuid-source.ts'
import type { ParserLimits } from '../../transport/http1/message-parser.ts'
import type { WriterOptions } from '../../transport/http1/message-writer.ts'
import type { Http2Settings } from '../../transport/http2/session-options.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import type { EarlyLines } from '../access-log/early-lines.ts'
import type { ClusterSource } from '../cluster/cluster.ts'
import type { OverloadActions } from '../overload/overload-manager.ts'
import type { RouteTable } from '../route/route-entry.ts'
import type { ServerHealth } from '../server-health.ts'
import type { AccessLog } from '../stream-info.ts'
import type { StripPort } from './authority.ts'
import type { ClientCertDetails, ForwardClientCert } from './client-certificate-header.ts'
import type { ConnectionManagerStats } from './connection-manager-stats.ts'
import type { FilterChain } from './filter-chain.ts'
import type { ForwardedConfig } from './forwarded-headers.ts'
import type { LocalReplyMapping } from './local-reply-mapping.ts'
import type { PathNormalization } from './path-normalization.ts'
import type { UnderscorePolicy } from './underscored-headers.ts'

export type ServerHeader = 'overwrite' | 'append-if-absent' | 'pass-through'

/** Milliseconds; 0: none. */
export interface ConnectionManagerTimeouts {
  /** Without an event on the stream, either way. */
  readonly streamIdle: number
  /** For the whole request to arrive. */
  readonly request: number
  /** For the request's head to arrive, from its first byte: what it has of both, the shorter. */
  readonly head: number
  /** That is the whole request's time, and is told as such. */
  readonly headIsOfRequest: boolean
  /** Of a whole stream, where the route says nothing else (max_stream_duration). */
  readonly streamDuration: number
  /** Of a connection without a stream. */
  readonly idle: number
  readonly connectionDuration: number
  /** How long a connection closed by this side waits for the client to see the last response. */
  readonly delayedClose: number
  /** Between the two GOAWAYs of a drain, when config says it; null: until the client has been heard of behind the first. */
  readonly drain: number | null
}

export interface Http1Config extends WriterOptions {
  /** Otherwise they are answered with 426. */
  readonly acceptsHttp10: boolean
  /** For requests of HTTP/1.0 without a Host; empty for none. */
  readonly defaultHost: string
}

export interface ConnectionManagerConfig {
  readonly clock: Clock
  readonly random: Random
  readonly clusters: ClusterSource
  readonly wheel: TimerWheel
  readonly date: HttpDate
  readonly requestIds: UuidSource
  /** `auto`: what ALPN agreed on, or else the first bytes say. */
  readonly codec: 'auto' | 'http1' | 'http2'
  readonly limits: ParserLimits
  readonly http1: Http1Config
  readonly http2: Http2Settings
  readonly chain: FilterChain
  readonly stats: ConnectionManagerStats
  readonly accessLogs: readonly AccessLog[]
  /** Null: one line for each stream, at its end. */
  readonly earlyLines: EarlyLines | null
  /** One of them tells what is kept of streams for that alone. */
  readonly recordsStreams: boolean
  /** Null: local replies stay as they are. */
  readonly localReplies: LocalReplyMapping | null
  /** Null while RDS has not delivered it. */
  routeTable(): RouteTable | null
  readonly timeouts: ConnectionManagerTimeouts
  readonly forwarded: ForwardedConfig
  readonly forwardClientCert: ForwardClientCert
  readonly clientCertDetails: ClientCertDetails
  readonly serverName: string
  /** What Via gets in both directions; empty: Via is left alone. */
  readonly via: string
  readonly serverHeader: ServerHeader
  readonly generateRequestId: boolean
  /** At the edge too. */
  readonly preserveRequestId: boolean
  readonly requestIdInResponse: boolean
  /**
   * `Expect: 100-continue` and the upstream's 1xx travel end to end (proxy_100_continue, on in Istio); otherwise the
   * expectation is answered here and 1xx are swallowed.
   */
  readonly forwardsInterimResponses: boolean
  /** Whether upgrade_configs lets this upgrade, or CONNECT, through. */
  allowsTunnel(head: RequestHead): boolean
  /** Null: the path stays as it came. */
  readonly path: PathNormalization | null
  readonly stripPort: StripPort
  readonly stripTrailingDot: boolean
  /** Null: names with an underscore are like any other. */
  readonly underscores: UnderscorePolicy | null
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number
  /** Bytes that a filter may have kept, and that a request may hold for its retry. */
  readonly bufferLimit: number
  readonly reasonHeader: boolean
  readonly overload: OverloadActions
  /** While it has failed, each response says that its connection ends. */
  readonly drainHealth: ServerHealth
  /** 0: a drain is told at once. */
  readonly gradualDrainMs: number
}
