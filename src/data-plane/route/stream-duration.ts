// How long a stream may live: max_stream_duration, and the deadline that a gRPC client sends along.
import { getHeader, type HeaderList, setHeader } from '../../transport/header-list.ts'
import {
  RouteAction_MaxStreamDurationSchema as MaxStreamDurationSchema,
  type RouteAction,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'
import { isGrpcRequest } from '../http/grpc-status.ts'
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

/** No time is too long. */
export const UNBOUNDED = -1

/**
 * Milliseconds that one stream may take, none left among them, or UNBOUNDED. `grpcTimeout`: the request's header,
 * undefined without. As Envoy has it (refreshDurationTimeout), a deadline that the route honours stands in place of its
 * own bound; nothing can be read into a malformed one.
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
      const bounded = grpcTimeoutMaxMs > 0 ? Math.min(asked, grpcTimeoutMaxMs) : asked
      return Math.max(0, bounded - grpcTimeoutOffsetMs)
    }
  }
  return (duration.maxMs >= 0 ? duration.maxMs : ofConnectionManagerMs) || UNBOUNDED
}

const MAX_DIGITS = 99_999_999
/** How many of each there are in the next, from milliseconds on. */
const UNITS = [
  ['m', 1000],
  ['S', 60],
  ['M', 60],
] as const

/** `grpc-timeout` in the smallest unit that eight digits are enough for; what is more than one of it counts for whole. */
export function formatGrpcTimeout(ms: number): string {
  let value = ms
  for (let i = 0; i < UNITS.length; i++) {
    const [unit, size] = UNITS[i]!
    if (value <= MAX_DIGITS) return value + unit
    value = Math.ceil(value / size)
  }
  return `${Math.min(value, MAX_DIGITS)}H`
}

/**
 * The same for a request. gRPC is told in `grpc-timeout` what the route gives it, so that whoever is called next knows how
 * long its answer is waited for (Envoy).
 */
export function boundDuration(route: RouteEntry | null, headers: HeaderList, ofConnectionManagerMs: number): number {
  const duration = route?.kind === 'forward' ? route.streamDuration : NO_STREAM_DURATION
  if (duration === NO_STREAM_DURATION) return ofConnectionManagerMs || UNBOUNDED
  const timeoutMs = streamDurationMs(duration, getHeader(headers, 'grpc-timeout'), ofConnectionManagerMs)
  if (timeoutMs > 0 && isGrpcRequest(headers)) setHeader(headers, 'grpc-timeout', formatGrpcTimeout(timeoutMs))
  return timeoutMs
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
