// The config of the fault filter, compiled once for a listener, or for a route that overrides it.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import {
  type FaultDelay,
  FaultDelaySchema,
  type FaultRateLimit,
  FaultRateLimitSchema,
} from '../../../../xds/generated/envoy/extensions/filters/common/fault/v3/fault_pb.ts'
import {
  type FaultAbort,
  FaultAbortSchema,
  HTTPFaultSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/fault/v3/fault_pb.ts'
import type { FractionalPercent } from '../../../../xds/generated/envoy/type/v3/percent_pb.ts'
import { durationMs, ResourceCheck } from '../../../../xds/resource-check.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import { type Criterion, compileHeaderMatcher } from '../../../route/criterion.ts'
import { fractionOf } from '../../../route/fraction.ts'
import { grpcAbort, httpAbort } from './abort-reply.ts'

/** How often. Where headers ask for the fault, one of them may ask for less of it, in the same parts. */
export interface FaultShare {
  readonly share: number
  /** What one part of the configured denominator is worth; 0 where headers have no say. */
  readonly unit: number
}

export interface DelayFault extends FaultShare {
  /** Milliseconds; null: as `x-envoy-fault-delay-request` says. */
  readonly fixedMs: number | null
}

export interface AbortFault extends FaultShare {
  /** Null: as `x-envoy-fault-abort-request` or `x-envoy-fault-abort-grpc-request` says. */
  readonly reply: LocalReply | null
}

export interface ResponseLimitFault extends FaultShare {
  /** KiB a second; null: as `x-envoy-fault-throughput-response` says. */
  readonly fixedKbps: number | null
}

export class FaultSettings {
  readonly responseLimit: ResponseLimitFault | null
  readonly delay: DelayFault | null
  readonly abort: AbortFault | null
  /** Empty: any. */
  readonly upstreamCluster: string
  /** Of `x-envoy-downstream-service-node`; empty: any. */
  readonly downstreamNodes: readonly string[]
  readonly headers: readonly Criterion[]
  readonly maxActiveFaults: number

  constructor(fields: FaultSettings) {
    this.responseLimit = fields.responseLimit
    this.delay = fields.delay
    this.abort = fields.abort
    this.upstreamCluster = fields.upstreamCluster
    this.downstreamNodes = fields.downstreamNodes
    this.headers = fields.headers
    this.maxActiveFaults = fields.maxActiveFaults
  }
}

/**
 * The runtime keys have no layer to be looked up in: what they would stand in for holds. Counters named by a request's
 * own header would let a client fill the memory, so `disable_downstream_cluster_stats` is taken as always set.
 */
const FIELDS = new Set([
  'delay',
  'abort',
  'response_rate_limit',
  'upstream_cluster',
  'headers',
  'downstream_nodes',
  'max_active_faults',
  'delay_percent_runtime',
  'abort_percent_runtime',
  'delay_duration_runtime',
  'abort_http_status_runtime',
  'max_active_faults_runtime',
  'response_rate_limit_percent_runtime',
  'abort_grpc_status_runtime',
  'disable_downstream_cluster_stats',
])
const DELAY_FIELDS = new Set(['fixed_delay', 'header_delay', 'percentage'])
const LIMIT_FIELDS = new Set(['fixed_limit', 'header_limit', 'percentage'])
const ABORT_FIELDS = new Set(['http_status', 'grpc_status', 'header_abort', 'percentage'])

export function compileFault(typedConfig: Any): Parsed<FaultSettings> {
  const check = new ResourceCheck('')
  const fault = unpackAny(typedConfig, HTTPFaultSchema)
  if (fault === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  else check.honour(HTTPFaultSchema, fault, '', FIELDS)
  return check.result(
    new FaultSettings({
      responseLimit: fault?.responseRateLimit ? compileLimit(fault.responseRateLimit, check) : null,
      delay: fault?.delay ? compileDelay(fault.delay, check) : null,
      abort: fault?.abort ? compileAbort(fault.abort, check) : null,
      upstreamCluster: fault?.upstreamCluster ?? '',
      downstreamNodes: fault?.downstreamNodes ?? [],
      headers: (fault?.headers ?? []).map((header, i) => compileHeaderMatcher(header, `headers[${i}]`, check)),
      maxActiveFaults: fault?.maxActiveFaults ?? Number.POSITIVE_INFINITY,
    }),
  )
}

function compileLimit(limit: FaultRateLimit, check: ResourceCheck): ResponseLimitFault {
  check.honour(FaultRateLimitSchema, limit, 'response_rate_limit', LIMIT_FIELDS)
  const kind = limit.limitType
  if (kind.case === undefined) check.error('response_rate_limit', 'needs fixed_limit or header_limit')
  const fixedKbps = kind.case === 'fixedLimit' ? Number(kind.value.limitKbps) : null
  if (fixedKbps === 0) check.error('response_rate_limit.fixed_limit.limit_kbps', 'must be greater than 0')
  return { fixedKbps, ...shareOf(limit.percentage, kind.case === 'headerLimit') }
}

function compileDelay(delay: FaultDelay, check: ResourceCheck): DelayFault {
  check.honour(FaultDelaySchema, delay, 'delay', DELAY_FIELDS)
  const kind = delay.faultDelaySecifier
  if (kind.case === undefined) check.error('delay', 'needs fixed_delay or header_delay')
  const fixedMs = kind.case === 'fixedDelay' ? durationMs(kind.value, 0) : null
  if (fixedMs !== null && fixedMs <= 0) check.error('delay.fixed_delay', 'must be greater than 0')
  return { fixedMs, ...shareOf(delay.percentage, kind.case === 'headerDelay') }
}

function compileAbort(abort: FaultAbort, check: ResourceCheck): AbortFault {
  check.honour(FaultAbortSchema, abort, 'abort', ABORT_FIELDS)
  const kind = abort.errorType
  if (kind.case === undefined) check.error('abort', 'needs http_status, grpc_status or header_abort')
  let reply: LocalReply | null = null
  if (kind.case === 'grpcStatus') reply = grpcAbort(kind.value)
  else if (kind.case === 'httpStatus') {
    if (kind.value < 200 || kind.value >= 600) check.error('abort.http_status', 'must be from 200 to 599')
    reply = httpAbort(kind.value)
  }
  return { reply, ...shareOf(abort.percentage, kind.case === 'headerAbort') }
}

/** No percentage is none. */
function shareOf(percentage: FractionalPercent | undefined, byHeader: boolean): FaultShare {
  const share = fractionOf(percentage, 0)
  return { share, unit: byHeader && percentage !== undefined && share > 0 ? share / percentage.numerator : 0 }
}
