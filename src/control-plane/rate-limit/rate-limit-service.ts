// Envoy's rate limit service: what the global RateLimits of the mesh allow, counted for all of its proxies together.
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { type ServerUnaryCall, type sendUnaryData, status, type UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Log } from '../../base/log.ts'
import type { RateUnit } from '../../model/rate-limit.ts'
import { RATE_LIMIT_DOMAIN, type RateLimitEntry } from '../../translate/link/rate-limits.ts'
import type { RateLimitDescriptor } from '../../xds/generated/envoy/extensions/common/ratelimit/v3/ratelimit_pb.ts'
import {
  RateLimitResponse_Code as Code,
  type RateLimitRequest,
  type RateLimitResponse,
  type RateLimitResponse_DescriptorStatusSchema,
  RateLimitResponseSchema,
  RateLimitResponse_RateLimit_Unit as Unit,
} from '../../xds/generated/envoy/service/ratelimit/v3/rls_pb.ts'
import type { Metrics } from '../status/metrics.ts'
import type { CounterStore } from './counter-store.ts'
import type { LimitTable } from './limit-table.ts'

export interface RateLimitServiceParts {
  /** As config is now. */
  readonly limits: () => LimitTable
  readonly counters: CounterStore
  readonly log: Log
  readonly metrics: Metrics
}

type Status = MessageInitShape<typeof RateLimitResponse_DescriptorStatusSchema>

const UNITS: Readonly<Record<RateUnit, Unit>> = {
  second: Unit.SECOND,
  minute: Unit.MINUTE,
  hour: Unit.HOUR,
  day: Unit.DAY,
}
/** More than any config describes a request by. */
const MAX_DESCRIPTORS = 64

export function rateLimitService(parts: RateLimitServiceParts): UntypedServiceImplementation {
  const decisions = parts.metrics.counter('weft_rate_limit_decisions', 'Requests that proxies have asked about.')
  return {
    ShouldRateLimit(
      { request }: ServerUnaryCall<RateLimitRequest, RateLimitResponse>,
      answer: sendUnaryData<RateLimitResponse>,
    ) {
      const fault = faultOf(request)
      if (fault !== null) {
        answer({ code: status.INVALID_ARGUMENT, details: fault })
        return
      }
      decide(parts, request).then(
        response => {
          decisions.increment({ code: response.overallCode === Code.OK ? 'OK' : 'OVER_LIMIT' })
          answer(null, response)
        },
        error => {
          decisions.increment({ code: 'ERROR' })
          parts.log.warn('rate limit counters do not answer', { why: (error as Error).message })
          answer({ code: status.UNAVAILABLE, details: 'the counters do not answer' })
        },
      )
    },
  }
}

function faultOf({ domain, descriptors }: RateLimitRequest): string | null {
  if (domain !== RATE_LIMIT_DOMAIN)
    return `the domain "${domain.slice(0, 80)}" is not known, only "${RATE_LIMIT_DOMAIN}"`
  if (descriptors.length === 0) return 'a request needs a descriptor'
  if (descriptors.length > MAX_DESCRIPTORS) return `more than ${MAX_DESCRIPTORS} descriptors`
  if (descriptors.some(({ limit }) => limit !== undefined)) return 'limits in the request are not supported'
  return null
}

/** Each descriptor is asked for by itself, whatever the others say, as Envoy's own service does. */
async function decide(parts: RateLimitServiceParts, request: RateLimitRequest): Promise<RateLimitResponse> {
  const hits = Math.max(1, request.hitsAddend)
  const limits = parts.limits()
  const statuses = await Promise.all(
    request.descriptors.map(descriptor => decideOne(parts.counters, limits, descriptor, hits)),
  )
  const over = statuses.some(({ code }) => code === Code.OVER_LIMIT)
  return create(RateLimitResponseSchema, { overallCode: over ? Code.OVER_LIMIT : Code.OK, statuses })
}

async function decideOne(
  counters: CounterStore,
  limits: LimitTable,
  { entries }: RateLimitDescriptor,
  hits: number,
): Promise<Status> {
  const limit = limits.find(entries)
  if (limit === null) return { code: Code.OK }
  const { allowed, remaining, waitMs } = await counters.take(keyOf(limit.name, entries), limit.bucket, hits)
  const seconds = Math.ceil(waitMs / 1000)
  return {
    code: allowed ? Code.OK : Code.OVER_LIMIT,
    currentLimit: { name: limit.name, requestsPerUnit: limit.rate.requests, unit: UNITS[limit.rate.per] },
    limitRemaining: remaining,
    durationUntilReset: { seconds: BigInt(seconds) },
  }
}

/** Not the rate: who has used a limit up has done so when the limit is changed, too. */
function keyOf(name: string, entries: readonly RateLimitEntry[]): string {
  return [name, ...entries.map(({ value }) => value)].join('\n')
}
