// How long a stream may live: max_stream_duration, and the deadline that a gRPC client sends along.
import { getHeader, type HeaderList } from '../../transport/header-list.ts'
import {
  RouteAction_MaxStreamDurationSchema as MaxStreamDurationSchema,
  type RouteAction,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'
import type { RouteEntry, StreamDuration } from './route-entry.ts'

export const NO_STREAM_DURATION: StreamDuration = { maxMs: -1, grpcTimeoutMaxMs: -1, grpcTimeoutOffsetMs: 0 }

const FIELDS = new Set(['max_stream_duration', 'grpc_timeout_header_max', 'grpc_timeout_header_offset'])

export function compileStreamDuration(
  action: RouteAction,
  timeoutMs: number,
  path: string,
  check: ResourceCheck,
): StreamDuration {
  const message = action.maxStreamDuration
  if (message === undefined) return compileOldDeadline(action, timeoutMs, path, check)
  check.honour(MaxStreamDurationSchema, message, `${path}.max_stream_duration`, FIELDS)
  return {
    maxMs: durationMs(message.maxStreamDuration, -1),
    grpcTimeoutMaxMs: durationMs(message.grpcTimeoutHeaderMax, -1),
    grpcTimeoutOffsetMs: durationMs(message.grpcTimeoutHeaderOffset, 0),
  }
}

/** The older form, as Istio uses it: the route's timeout said twice. Only there is it what Envoy makes of it. */
function compileOldDeadline(
  action: RouteAction,
  timeoutMs: number,
  path: string,
  check: ResourceCheck,
): StreamDuration {
  const maxMs = durationMs(action.maxGrpcTimeout, -1)
  if (maxMs >= 0 && maxMs !== timeoutMs)
    check.unsupported(`${path}.max_grpc_timeout`, 'only what timeout says is supported')
  if (durationMs(action.grpcTimeoutOffset, 0) !== 0)
    check.unsupported(`${path}.grpc_timeout_offset`, 'only 0 is supported')
  return maxMs < 0 ? NO_STREAM_DURATION : { maxMs: -1, grpcTimeoutMaxMs: maxMs, grpcTimeoutOffsetMs: 0 }
}

/**
 * The bound for one stream, 0 for none. `grpcTimeout`: the request's header, undefined without. As Envoy has it, a
 * deadline that the route honours stands in place of its own bound; nothing can be read into a malformed one.
 */
export function streamDurationMs(
  duration: StreamDuration,
  grpcTimeout: string | undefined,
  ofConnectionManagerMs: number,
): number {
  if (duration.grpcTimeoutMaxMs >= 0 && grpcTimeout !== undefined) {
    const asked = parseGrpcTimeout(grpcTimeout)
    if (asked >= 0) {
      const { grpcTimeoutMaxMs, grpcTimeoutOffsetMs } = duration
      const bounded = grpcTimeoutMaxMs > 0 && (asked === 0 || asked > grpcTimeoutMaxMs) ? grpcTimeoutMaxMs : asked
      return bounded > grpcTimeoutOffsetMs ? bounded - grpcTimeoutOffsetMs : bounded
    }
  }
  return duration.maxMs >= 0 ? duration.maxMs : ofConnectionManagerMs
}

/** `grpc-timeout`: up to eight digits and a unit (the gRPC protocol over HTTP/2); milliseconds, -1 when it is malformed. */
function parseGrpcTimeout(value: string): number {
  const digits = value.length - 1
  if (digits < 1 || digits > 8) return -1
  let number = 0
  for (let i = 0; i < digits; i++) {
    const digit = value.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  switch (value[digits]) {
    case 'H':
      return number * 3_600_000
    case 'M':
      return number * 60_000
    case 'S':
      return number * 1000
    case 'm':
      return number
    case 'u':
      return Math.ceil(number / 1000)
    case 'n':
      return Math.ceil(number / 1_000_000)
    default:
      return -1
  }
}

/** How long a request's stream may live: what its route says, or else `boundMs`. */
export function streamTimeoutMs(route: RouteEntry | null, headers: HeaderList, boundMs: number): number {
  if (route?.kind !== 'forward' || route.streamDuration === NO_STREAM_DURATION) return boundMs
  return streamDurationMs(route.streamDuration, getHeader(headers, 'grpc-timeout'), boundMs)
}
