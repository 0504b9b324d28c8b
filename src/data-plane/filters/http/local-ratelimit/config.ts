// The config of local_ratelimit, compiled once for a listener, or for a route, which then has buckets of its own.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import { tokenBucketConfig } from '../../../../base/token-bucket.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import type { HeaderValueOption } from '../../../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  type LocalRateLimitDescriptor,
  LocalRateLimitDescriptorSchema,
  RateLimitDescriptor_EntrySchema,
  VhRateLimitsOptions,
  XRateLimitHeadersRFCVersion,
} from '../../../../xds/generated/envoy/extensions/common/ratelimit/v3/ratelimit_pb.ts'
import {
  type LocalRateLimit,
  LocalRateLimitSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts'
import { type TokenBucket, TokenBucketSchema } from '../../../../xds/generated/envoy/type/v3/token_bucket_pb.ts'
import { durationMs, ResourceCheck } from '../../../../xds/resource-check.ts'
import type { ConnectionInfo } from '../../../connection-info.ts'
import { GRPC_STATUS } from '../../../http/grpc-status.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import { LOOP_LIMITS } from '../../../process-limits/loop-limits.ts'
import type { ProcessLimits } from '../../../process-limits/process-limits.ts'
import { compileOwnRateLimits, descriptorText } from '../../../route/compile-rate-limit-rule.ts'
import { runtimeFraction } from '../../../route/fraction.ts'
import { compileAddition, createMutations } from '../../../route/header-mutator.ts'
import { type RateLimitRule, withEntry } from '../../../route/rate-limit-rule.ts'
import type { HeaderMutations } from '../../../route/route-entry.ts'
import type { RouteConfigHost } from '../contract/http-filter-factory.ts'
import type { WildcardDescriptor } from './dynamic-buckets.ts'
import { type NamedBucketConfig, namedBucket } from './named-bucket.ts'
import { type RateLimitStats, rateLimitStats } from './rate-limit-stats.ts'
import { type LimiterConfig, RateLimiter } from './rate-limiter.ts'
import { refusal } from './refusal.ts'

export type VirtualHostLimits = 'override' | 'include' | 'ignore'

export class RateLimitConfig {
  readonly stats: RateLimitStats
  readonly refusal: LocalReply
  /** Shares of 1. */
  readonly enabled: number
  readonly enforced: number
  readonly requestHeaders: HeaderMutations
  readonly responseHeaders: HeaderMutations
  /** x-ratelimit-limit, -remaining and -reset on responses. */
  readonly tellsFigures: boolean
  readonly stage: number
  readonly virtualHostLimits: VirtualHostLimits
  /** Where there are some, routes are not asked for theirs. */
  readonly ownRules: readonly RateLimitRule[]
  readonly #limiterConfig: LimiterConfig
  readonly #shared: RateLimiter | null
  readonly #perConnection = new WeakMap<ConnectionInfo, RateLimiter>()

  /** `limits`: for all connections together; null: each has buckets of its own. */
  constructor(fields: RateLimitFields, limiter: LimiterConfig, limits: ProcessLimits | null) {
    this.stats = fields.stats
    this.refusal = fields.refusal
    this.enabled = fields.enabled
    this.enforced = fields.enforced
    this.requestHeaders = fields.requestHeaders
    this.responseHeaders = fields.responseHeaders
    this.tellsFigures = fields.tellsFigures
    this.stage = fields.stage
    this.virtualHostLimits = fields.virtualHostLimits
    this.ownRules = fields.ownRules
    this.#limiterConfig = limiter
    this.#shared = limits && new RateLimiter(limiter, limits)
  }

  limiterOf(connection: ConnectionInfo): RateLimiter {
    if (this.#shared !== null) return this.#shared
    let limiter = this.#perConnection.get(connection)
    if (limiter === undefined) {
      limiter = new RateLimiter(this.#limiterConfig, LOOP_LIMITS)
      this.#perConnection.set(connection, limiter)
    }
    return limiter
  }
}

type RateLimitFields = Omit<RateLimitConfig, 'limiterOf'>

const FIELDS = new Set(
  (
    'stat_prefix status token_bucket filter_enabled filter_enforced request_headers_to_add_when_not_enforced ' +
    'response_headers_to_add descriptors stage local_rate_limit_per_downstream_connection enable_x_ratelimit_headers ' +
    'vh_rate_limits always_consume_default_token_bucket rate_limited_as_resource_exhausted rate_limits ' +
    'max_dynamic_descriptors'
  ).split(' '),
)
const BUCKET_FIELDS = new Set(['max_tokens', 'tokens_per_fill', 'fill_interval'])
const DESCRIPTOR_FIELDS = new Set(['entries', 'token_bucket'])
const ENTRY_FIELDS = new Set(['key', 'value'])
const MIN_FILL_MS = 50
const MAX_STAGE = 10
const MAX_ADDITIONS = 10
const DEFAULT_DYNAMIC = 20
/** Of the bucket that is no descriptor's; the others are called by what their first entry says. */
const DEFAULT_NAME = 'default'

const VIRTUAL_HOST_LIMITS: Readonly<Record<VhRateLimitsOptions, VirtualHostLimits>> = {
  [VhRateLimitsOptions.OVERRIDE]: 'override',
  [VhRateLimitsOptions.INCLUDE]: 'include',
  [VhRateLimitsOptions.IGNORE]: 'ignore',
}

export function compileRateLimit(typedConfig: Any, host: RouteConfigHost): Parsed<RateLimitConfig> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, LocalRateLimitSchema)
  if (message === null) {
    check.error('', 'cannot be decoded', 'WEFT-4102')
    return { ok: false, problems: check.problems }
  }
  check.honour(LocalRateLimitSchema, message, '', FIELDS)
  if (message.statPrefix === '') check.error('stat_prefix', 'must not be empty')
  if (message.stage > MAX_STAGE) check.error('stage', `must not exceed ${MAX_STAGE}`)
  const limiter: LimiterConfig = {
    bucket: message.tokenBucket ? compileBucket(message.tokenBucket, DEFAULT_NAME, 'token_bucket', check) : null,
    ...compileDescriptors(message.descriptors, check),
    maxDynamic: message.maxDynamicDescriptors ?? DEFAULT_DYNAMIC,
    alwaysTakesDefault: message.alwaysConsumeDefaultTokenBucket ?? true,
  }
  if (limiter.maxDynamic === 0) check.error('max_dynamic_descriptors', 'must be 1 at least')
  const ownRules = compileOwnRateLimits(message.rateLimits, 'rate_limits', check)
  const adding = (options: readonly HeaderValueOption[], field: string): HeaderMutations => {
    if (options.length > MAX_ADDITIONS) check.error(field, `more than ${MAX_ADDITIONS} headers`)
    const add = options.map((option, index) => compileAddition(option, `${field}[${index}]`, check))
    return createMutations([{ remove: [], add }])
  }
  const requestHeaders = adding(message.requestHeadersToAddWhenNotEnforced, 'request_headers_to_add_when_not_enforced')
  const responseHeaders = adding(message.responseHeadersToAdd, 'response_headers_to_add')
  if (check.problems.length > 0) return { ok: false, problems: check.problems }
  const fields: RateLimitFields = {
    stats: rateLimitStats(host.stats, message.statPrefix),
    refusal: refusal(statusOf(message), message.rateLimitedAsResourceExhausted ? GRPC_STATUS.resourceExhausted : null),
    enabled: runtimeFraction(message.filterEnabled, 0),
    enforced: runtimeFraction(message.filterEnforced, 0),
    requestHeaders,
    responseHeaders,
    tellsFigures: message.enableXRatelimitHeaders === XRateLimitHeadersRFCVersion.DRAFT_VERSION_03,
    stage: message.stage,
    virtualHostLimits: VIRTUAL_HOST_LIMITS[message.vhRateLimits] ?? 'override',
    ownRules,
  }
  const limits = message.localRateLimitPerDownstreamConnection ? null : host.limits.part()
  return { ok: true, value: new RateLimitConfig(fields, limiter, limits) }
}

/** For a route, which must name a bucket besides its descriptors' (Envoy). */
export function compileRouteRateLimit(typedConfig: Any, host: RouteConfigHost): Parsed<RateLimitConfig> {
  const message = unpackAny(typedConfig, LocalRateLimitSchema)
  if (message === null || message.tokenBucket !== undefined) return compileRateLimit(typedConfig, host)
  const check = new ResourceCheck('')
  check.error('token_bucket', 'is required for a route')
  return { ok: false, problems: check.problems }
}

/** What is no refusal becomes 429 (Envoy). */
function statusOf({ status }: LocalRateLimit): number {
  const code = status?.code ?? 0
  return code < 400 ? 429 : code
}

function compileBucket(bucket: TokenBucket, name: string, path: string, check: ResourceCheck): NamedBucketConfig {
  check.honour(TokenBucketSchema, bucket, path, BUCKET_FIELDS)
  const perFill = bucket.tokensPerFill ?? 1
  const fillMs = durationMs(bucket.fillInterval, 0)
  if (bucket.maxTokens === 0) check.error(`${path}.max_tokens`, 'must be greater than 0')
  if (perFill === 0) check.error(`${path}.tokens_per_fill`, 'must be greater than 0')
  if (fillMs < MIN_FILL_MS) check.error(`${path}.fill_interval`, `must be ${MIN_FILL_MS} ms at least`)
  return namedBucket(tokenBucketConfig(bucket.maxTokens, perFill, fillMs), name)
}

function compileDescriptors(
  descriptors: readonly LocalRateLimitDescriptor[],
  check: ResourceCheck,
): Pick<LimiterConfig, 'descriptors' | 'wildcards'> {
  const keys = new Set<string>()
  const named: LimiterConfig['descriptors'][number][] = []
  const wildcards: WildcardDescriptor[] = []
  for (const [index, descriptor] of descriptors.entries()) {
    const path = `descriptors[${index}]`
    check.honour(LocalRateLimitDescriptorSchema, descriptor, path, DESCRIPTOR_FIELDS)
    if (descriptor.entries.length === 0) check.error(`${path}.entries`, 'must not be empty')
    const pieces = compileEntries(descriptor.entries, `${path}.entries`, check)
    const key = pieces.join('\n')
    if (keys.has(key)) check.error(path, 'is there twice')
    keys.add(key)
    if (!descriptor.tokenBucket) check.error(`${path}.token_bucket`, 'is required')
    const [entry] = descriptor.entries
    const name = entry?.value || entry?.key || DEFAULT_NAME
    const bucket = descriptor.tokenBucket && compileBucket(descriptor.tokenBucket, name, `${path}.token_bucket`, check)
    if (!bucket) continue
    if (pieces.length === 1) named.push({ key, bucket })
    else wildcards.push({ pieces, bucket })
  }
  return { descriptors: named, wildcards }
}

/** An entry without a value stands for any: there the text of the descriptor is cut. */
function compileEntries(
  entries: LocalRateLimitDescriptor['entries'],
  path: string,
  check: ResourceCheck,
): readonly string[] {
  const pieces: string[] = []
  let piece = ''
  for (const [index, entry] of entries.entries()) {
    const at = `${path}[${index}]`
    check.honour(RateLimitDescriptor_EntrySchema, entry, at, ENTRY_FIELDS)
    const name = descriptorText(entry.key, `${at}.key`, check)
    if (entry.value !== '') piece = withEntry(piece, name, descriptorText(entry.value, `${at}.value`, check))
    else {
      const whole = withEntry(piece, name, '')
      pieces.push(whole.slice(0, -1))
      piece = whole.slice(-1)
    }
  }
  return [...pieces, piece]
}
