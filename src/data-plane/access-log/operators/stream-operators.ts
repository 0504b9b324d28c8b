// What a stream's own facts tell.
import { accessLogTypeName } from '../../access-log-type.ts'
import { formatConnectionFlags, formatResponseFlags, formatResponseFlagsLong } from '../../response-flag.ts'
import { type CompiledOperator, type Operator, orNull } from './operator.ts'

export const STREAM_OPERATORS: Readonly<Record<string, Operator>> = {
  PROTOCOL: info => orNull(info.protocol),
  RESPONSE_CODE: info => info.responseCode,
  CONNECTION_TERMINATION_DETAILS: info => orNull(info.connectionTerminationDetails),
  RESPONSE_FLAGS: info =>
    info.protocol === '' ? formatConnectionFlags(info.responseFlags) : formatResponseFlags(info.responseFlags),
  RESPONSE_FLAGS_LONG: info => formatResponseFlagsLong(info.responseFlags, info.protocol === ''),
  BYTES_RECEIVED: info => info.bytesReceived,
  BYTES_SENT: info => info.bytesSent,
  DURATION: info => Math.floor(info.duration),
  ROUTE_NAME: info => orNull(info.routeName),
  VIRTUAL_CLUSTER_NAME: info => info.virtualCluster?.name ?? null,
  CONNECTION_ID: info => info.connection.id,
  FILTER_CHAIN_NAME: info => orNull(info.connection.filterChain),
  LISTENER_NAME: info => orNull(info.connection.listener),
  ACCESS_LOG_TYPE: info => accessLogTypeName(info.logType),
  UPSTREAM_CLUSTER: info => (info.cluster === null ? null : orNull(info.cluster.statName ?? info.cluster.name)),
  UPSTREAM_CLUSTER_RAW: info => orNull(info.upstreamCluster),
  UPSTREAM_PROTOCOL: info => (info.upstream === null ? null : orNull(info.upstream.protocol)),
  UPSTREAM_CONNECTION_ID: info => info.upstream?.id ?? 0,
  UPSTREAM_CONNECTION_IDS_ATTEMPTED: info =>
    info.record === null ? null : orNull(info.record.connectionIds.join(',')),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: info => info.attemptCount,
  UPSTREAM_TRANSPORT_FAILURE_REASON: info => orNull(info.upstreamTransportFailureReason),
  // Envoy's filters in Lua and the like set them; nothing else does.
  CUSTOM_FLAGS: () => '',
  // Nothing traces.
  TRACE_ID: () => null,
  SPAN_ID: () => null,
  LOCAL_REPLY_BODY: info => info.localReplyBody,
  // Of QUIC alone.
  BYTES_RETRANSMITTED: () => 0,
  PACKETS_RETRANSMITTED: () => 0,
}

const BLANK = /\s/g

/** Without its blanks, at which a line might be taken apart, unless they are asked for. */
export function compileDetails(argument: string | null): CompiledOperator {
  if (argument === 'ALLOW_WHITESPACES') return { run: info => orNull(info.responseCodeDetails) }
  if (argument !== null && argument !== '')
    return { fault: '%RESPONSE_CODE_DETAILS(...)% knows ALLOW_WHITESPACES only' }
  return {
    run({ responseCodeDetails: details }) {
      return details === '' ? null : details.includes(' ') ? details.replace(BLANK, '_') : details
    },
  }
}
