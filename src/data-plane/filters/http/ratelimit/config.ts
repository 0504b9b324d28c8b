// The config of ratelimit, and what routes say to it, compiled once.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import { TimerWheel } from '../../../../base/timer-wheel.ts'
import type { HeaderList } from '../../../../transport/header-list.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import { ApiVersion } from '../../../../xds/generated/envoy/config/core/v3/config_source_pb.ts'
import {
  type GrpcService,
  GrpcService_EnvoyGrpcSchema,
  GrpcServiceSchema,
} from '../../../../xds/generated/envoy/config/core/v3/grpc_service_pb.ts'
import { RateLimitServiceConfigSchema } from '../../../../xds/generated/envoy/config/ratelimit/v3/rls_pb.ts'
import {
  type RateLimit,
  RateLimit_XRateLimitHeadersRFCVersion,
  RateLimitPerRoute_VhRateLimitsOptions,
  RateLimitPerRouteSchema,
  RateLimitSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit_pb.ts'
import { durationMs, ResourceCheck } from '../../../../xds/resource-check.ts'
import type { GrpcTarget } from '../../../grpc/unary-call.ts'
import { GRPC_STATUS } from '../../../http/grpc-status.ts'
import { failure, type LocalReply } from '../../../http/local-reply.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import { compileOwnRateLimits } from '../../../route/compile-rate-limit-rule.ts'
import { hasControl } from '../../../route/control-character.ts'
import { compileAddition, createMutations } from '../../../route/header-mutator.ts'
import type { RateLimitRule } from '../../../route/rate-limit-rule.ts'
import type { HeaderMutations } from '../../../route/route-entry.ts'
import type { HttpFilterHost } from '../contract/http-filter-factory.ts'
import { StatsByCluster } from './rate-limit-stats.ts'

export interface RateLimitSettings {
  readonly domain: string
  readonly stage: number
  /** Where there are some, routes are not asked for theirs. */
  readonly ownRules: readonly RateLimitRule[]
  readonly target: GrpcTarget
  /** Null: what the service cannot judge passes. */
  readonly onError: LocalReply | null
  readonly refusal: LocalReply
  readonly responseHeaders: HeaderMutations
  readonly tellsFigures: boolean
  /** x-envoy-ratelimited. */
  readonly marksRefusals: boolean
  readonly stats: StatsByCluster
}

/** What a route says. */
export class RouteRateLimits {
  readonly virtualHostLimits: 'override' | 'include' | 'ignore'
  readonly rules: readonly RateLimitRule[]
  /** Empty: the filter's. */
  readonly domain: string

  constructor(
    virtualHostLimits: RouteRateLimits['virtualHostLimits'],
    rules: readonly RateLimitRule[],
    domain: string,
  ) {
    this.virtualHostLimits = virtualHostLimits
    this.rules = rules
    this.domain = domain
  }
}

const METHOD = '/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit'
const DEFAULT_TIMEOUT_MS = 20
const MAX_STAGE = 10
const MAX_ADDITIONS = 10
const FIELDS = new Set(
  (
    'domain stage request_type timeout failure_mode_deny rate_limited_as_resource_exhausted rate_limit_service ' +
    'enable_x_ratelimit_headers disable_x_envoy_ratelimited_header rate_limited_status response_headers_to_add ' +
    'status_on_error stat_prefix rate_limits'
  ).split(' '),
)
const SERVICE_FIELDS = new Set(['grpc_service', 'transport_api_version'])
const GRPC_FIELDS = new Set(['envoy_grpc', 'initial_metadata'])
const ENVOY_GRPC_FIELDS = new Set(['cluster_name', 'authority'])
const ROUTE_FIELDS = new Set(['vh_rate_limits', 'rate_limits', 'domain'])
const VIRTUAL_HOST_LIMITS: Readonly<
  Record<RateLimitPerRoute_VhRateLimitsOptions, RouteRateLimits['virtualHostLimits']>
> = {
  [RateLimitPerRoute_VhRateLimitsOptions.OVERRIDE]: 'override',
  [RateLimitPerRoute_VhRateLimitsOptions.INCLUDE]: 'include',
  [RateLimitPerRoute_VhRateLimitsOptions.IGNORE]: 'ignore',
}

export function compileRateLimit(typedConfig: Any, host: HttpFilterHost): Parsed<RateLimitSettings> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, RateLimitSchema)
  if (message === null) {
    check.error('', 'cannot be decoded', 'WEFT-4102')
    return { ok: false, problems: check.problems }
  }
  check.honour(RateLimitSchema, message, '', FIELDS)
  if (message.domain === '') check.error('domain', 'must not be empty')
  if (message.stage > MAX_STAGE) check.error('stage', `must not exceed ${MAX_STAGE}`)
  // Nothing here marks requests as x-envoy-internal, by which Envoy tells them apart.
  if (message.requestType !== '' && message.requestType !== 'both')
    check.unsupported('request_type', 'only "both" is supported')
  if (message.responseHeadersToAdd.length > MAX_ADDITIONS)
    check.error('response_headers_to_add', `more than ${MAX_ADDITIONS} headers`)
  const additions = message.responseHeadersToAdd.map((option, index) =>
    compileAddition(option, `response_headers_to_add[${index}]`, check),
  )
  const ownRules = compileOwnRateLimits(message.rateLimits, 'rate_limits', check)
  const target = compileTarget(message, host, check)
  const { enableXRatelimitHeaders, disableXEnvoyRatelimitedHeader } = message
  return check.result({
    domain: message.domain,
    stage: message.stage,
    ownRules,
    target,
    onError: message.failureModeDeny ? errorReply(message) : null,
    refusal: refusalReply(message),
    responseHeaders: createMutations([{ remove: [], add: additions }]),
    tellsFigures: enableXRatelimitHeaders === RateLimit_XRateLimitHeadersRFCVersion.DRAFT_VERSION_03,
    marksRefusals: !disableXEnvoyRatelimitedHeader,
    stats: new StatsByCluster(host.proxy.stats, message.statPrefix),
  })
}

/** What is no refusal becomes 429 (Envoy). */
function refusalReply({ rateLimitedStatus, rateLimitedAsResourceExhausted }: RateLimit): LocalReply {
  const asked = rateLimitedStatus?.code ?? 0
  const reply = failure(asked < 400 ? 429 : asked, 'request_rate_limited', RESPONSE_FLAG.RL)
  return rateLimitedAsResourceExhausted ? { ...reply, grpcStatus: GRPC_STATUS.resourceExhausted } : reply
}

function errorReply({ statusOnError }: RateLimit): LocalReply {
  const asked = statusOnError?.code ?? 0
  return failure(asked === 0 ? 500 : asked, 'rate_limiter_error', RESPONSE_FLAG.RLSE)
}

function compileTarget(message: RateLimit, { proxy }: HttpFilterHost, check: ResourceCheck): GrpcTarget {
  const service = message.rateLimitService
  if (service === undefined) check.error('rate_limit_service', 'is required')
  else check.honour(RateLimitServiceConfigSchema, service, 'rate_limit_service', SERVICE_FIELDS)
  if (service && service.transportApiVersion !== ApiVersion.V3)
    check.error('rate_limit_service.transport_api_version', 'must be V3')
  const { clusterName, authority, metadata } = compileGrpc(
    service?.grpcService,
    'rate_limit_service.grpc_service',
    check,
  )
  return {
    clusters: proxy.clusters,
    wheel: TimerWheel.of(proxy.clock),
    random: () => proxy.random.next(),
    cluster: clusterName,
    path: METHOD,
    authority: authority === '' ? clusterName : authority,
    metadata,
    timeoutMs: durationMs(message.timeout, DEFAULT_TIMEOUT_MS),
  }
}

function compileGrpc(
  service: GrpcService | undefined,
  path: string,
  check: ResourceCheck,
): { readonly clusterName: string; readonly authority: string; readonly metadata: HeaderList } {
  if (service === undefined) {
    check.error(path, 'is required')
    return { clusterName: '', authority: '', metadata: [] }
  }
  check.honour(GrpcServiceSchema, service, path, GRPC_FIELDS)
  const metadata: HeaderList = []
  for (const [index, { key, value }] of service.initialMetadata.entries()) {
    if (hasControl(key) || hasControl(value) || key === '' || key.startsWith(':'))
      check.error(`${path}.initial_metadata[${index}]`, 'is no header')
    metadata.push(key.toLowerCase(), value)
  }
  const { targetSpecifier } = service
  if (targetSpecifier.case !== 'envoyGrpc') {
    if (targetSpecifier.case === undefined) check.error(path, 'needs envoy_grpc')
    return { clusterName: '', authority: '', metadata }
  }
  const { value } = targetSpecifier
  check.honour(GrpcService_EnvoyGrpcSchema, value, `${path}.envoy_grpc`, ENVOY_GRPC_FIELDS)
  if (value.clusterName === '') check.error(`${path}.envoy_grpc.cluster_name`, 'must not be empty')
  return { clusterName: value.clusterName, authority: value.authority, metadata }
}

export function compileRouteRateLimits(typedConfig: Any): Parsed<RouteRateLimits> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, RateLimitPerRouteSchema)
  if (message === null) {
    check.error('', 'cannot be decoded', 'WEFT-4102')
    return { ok: false, problems: check.problems }
  }
  check.honour(RateLimitPerRouteSchema, message, '', ROUTE_FIELDS)
  const rules = compileOwnRateLimits(message.rateLimits, 'rate_limits', check)
  const limits = VIRTUAL_HOST_LIMITS[message.vhRateLimits] ?? 'override'
  return check.result(new RouteRateLimits(limits, rules, message.domain))
}
