// RateLimits as Envoy's filters, which say themselves what they are asked for: no route knows of them.
import { create } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { RateLimitRule, RateUnit, RequestRate } from '../../model/rate-limit.ts'
import { packAny } from '../../xds/any-pack.ts'
import {
  type Metadata,
  MetadataSchema,
  RuntimeFractionalPercentSchema,
} from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { ApiVersion } from '../../xds/generated/envoy/config/core/v3/config_source_pb.ts'
import {
  type LocalRateLimitDescriptor,
  LocalRateLimitDescriptorSchema,
  XRateLimitHeadersRFCVersion,
} from '../../xds/generated/envoy/extensions/common/ratelimit/v3/ratelimit_pb.ts'
import { LocalRateLimitSchema } from '../../xds/generated/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts'
import {
  RateLimit_XRateLimitHeadersRFCVersion,
  RateLimitSchema,
} from '../../xds/generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit_pb.ts'
import {
  type HttpFilter,
  HttpFilterSchema,
} from '../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { type TokenBucket, TokenBucketSchema } from '../../xds/generated/envoy/type/v3/token_bucket_pb.ts'
import { RATE_LIMIT_DOMAIN, rateLimitEntries } from '../link/rate-limits.ts'
import { duration } from './durations.ts'
import { rateLimitActions } from './rate-limit-actions.ts'
import { RATE_LIMIT_CLUSTER } from './resource-names.ts'

type Limit = ConfigObjectOf<'RateLimit'>

/** Clients whose buckets a proxy keeps, for each rule: Envoy's 20 would be forgotten faster than they fill. */
const MAX_VALUES = 10_000
const UNIT_MS: Readonly<Record<RateUnit, number>> = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }
/** As good as none: what Envoy's bucket can hold. */
const NO_LIMIT = { requests: 0xffff_ffff, per: 'second', burst: 0xffff_ffff } as const
/** Envoy's 20 ms are less than a busy machine may take to answer. */
const SERVICE_TIMEOUT_MS = 250
const ALWAYS = create(RuntimeFractionalPercentSchema, { defaultValue: { numerator: 100 } })

export function rateLimitFilters(limits: readonly Limit[]): readonly HttpFilter[] {
  return limits.map(limit => (limit.spec.scope === 'local' ? localFilter(limit) : globalFilter(limit)))
}

function localFilter(limit: Limit): HttpFilter {
  const { rules } = limit.spec
  const message = create(LocalRateLimitSchema, {
    statPrefix: `weft.${limit.namespace}.${limit.name}`,
    filterEnabled: ALWAYS,
    filterEnforced: ALWAYS,
    rateLimits: rules.map(rule => ({ actions: rateLimitActions(limit, rule) })),
    descriptors: rules.flatMap(rule => descriptors(limit, rule)),
    enableXRatelimitHeaders: limit.spec.headers.includes('x-ratelimit')
      ? XRateLimitHeadersRFCVersion.DRAFT_VERSION_03
      : XRateLimitHeadersRFCVersion.OFF,
    ...(rules.some(({ by, limit: rate }) => by.length > 0 && rate) ? { maxDynamicDescriptors: MAX_VALUES } : {}),
  })
  return asFilter(limit, packAny(LocalRateLimitSchema, message))
}

/** How much a request may take is for the service to know. */
function globalFilter(limit: Limit): HttpFilter {
  const message = create(RateLimitSchema, {
    domain: RATE_LIMIT_DOMAIN,
    timeout: duration(SERVICE_TIMEOUT_MS),
    failureModeDeny: limit.spec.onFailure === 'deny',
    enableXRatelimitHeaders: limit.spec.headers.includes('x-ratelimit')
      ? RateLimit_XRateLimitHeadersRFCVersion.DRAFT_VERSION_03
      : RateLimit_XRateLimitHeadersRFCVersion.OFF,
    rateLimitService: {
      transportApiVersion: ApiVersion.V3,
      grpcService: { targetSpecifier: { case: 'envoyGrpc', value: { clusterName: RATE_LIMIT_CLUSTER } } },
    },
    rateLimits: limit.spec.rules.map(rule => ({ actions: rateLimitActions(limit, rule) })),
    statPrefix: `weft.${limit.namespace}.${limit.name}`,
  })
  return asFilter(limit, packAny(RateLimitSchema, message))
}

/** In a filter chain's metadata: which of the filters Weft's proxies have tell clients by the standard's fields, too. */
export function standardHeaders(limits: readonly Limit[]): { readonly metadata?: Metadata } {
  const told = limits.filter(({ spec }) => spec.headers.includes('standard'))
  if (told.length === 0) return {}
  const filterMetadata = Object.fromEntries(told.map(limit => [filterName(limit), { standard_headers: true }]))
  return { metadata: create(MetadataSchema, { filterMetadata }) }
}

function filterName({ namespace, name }: Limit): string {
  return `weft.rate-limit/${namespace}/${name}`
}

function asFilter(limit: Limit, value: Any): HttpFilter {
  return create(HttpFilterSchema, {
    name: filterName(limit),
    configType: { case: 'typedConfig', value },
  })
}

function descriptors(limit: Limit, rule: RateLimitRule): readonly LocalRateLimitDescriptor[] {
  const descriptor = (values: readonly string[], rate: RequestRate) =>
    create(LocalRateLimitDescriptorSchema, {
      entries: rateLimitEntries(limit, rule, values).map(entry => ({ ...entry })),
      tokenBucket: tokenBucket(rate),
    })
  return [
    ...(rule.limit ? [descriptor([], rule.limit)] : []),
    ...rule.overrides
      // Where nobody else has a limit, nothing has to be said of who has none.
      .filter(override => override.limit !== null || rule.limit !== null)
      .map(override => descriptor(override.values, override.limit ?? NO_LIMIT)),
  ]
}

function tokenBucket({ requests, per, burst }: RequestRate): TokenBucket {
  return create(TokenBucketSchema, {
    maxTokens: burst,
    tokensPerFill: requests,
    fillInterval: duration(UNIT_MS[per]),
  })
}
