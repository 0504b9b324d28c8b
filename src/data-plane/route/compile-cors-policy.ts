// Who may read a route's responses from another origin: Envoy's CorsPolicy, of the CORS filter's own config or of the older
// `cors` fields of routes and virtual hosts.
import type { RuntimeFractionalPercent } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  type CorsPolicy as CorsPolicyMessage,
  CorsPolicySchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { StringMatcher } from '../../xds/generated/envoy/type/matcher/v3/string_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { hasControl } from './control-character.ts'
import { CorsPolicy } from './cors-policy.ts'
import { runtimeFraction } from './fraction.ts'
import { compileStringMatcher } from './string-matcher.ts'

/** What the two messages have in common. */
export interface CorsPolicyFields {
  readonly allowOriginStringMatch: readonly StringMatcher[]
  readonly allowMethods: string
  readonly allowHeaders: string
  readonly exposeHeaders: string
  readonly maxAge: string
  readonly allowCredentials?: boolean | undefined
  readonly allowPrivateNetworkAccess?: boolean | undefined
  readonly forwardNotMatchingPreflights?: boolean | undefined
  readonly shadowEnabled?: RuntimeFractionalPercent | undefined
}

export const CORS_FIELDS: ReadonlySet<string> = new Set(
  (
    'allow_origin_string_match allow_methods allow_headers expose_headers max_age allow_credentials ' +
    'allow_private_network_access forward_not_matching_preflights filter_enabled shadow_enabled'
  ).split(' '),
)

export function compileCorsPolicy(
  message: CorsPolicyFields,
  filterEnabled: RuntimeFractionalPercent | undefined,
  path: string,
  check: ResourceCheck,
): CorsPolicy {
  const at = (field: string): string => (path === '' ? field : `${path}.${field}`)
  const text = (value: string, field: string): string => {
    if (hasControl(value)) check.error(at(field), 'must not hold control characters')
    return value
  }
  return new CorsPolicy({
    origins: message.allowOriginStringMatch.map(
      (matcher, index) => compileStringMatcher(matcher, at(`allow_origin_string_match[${index}]`), check).test,
    ),
    methods: text(message.allowMethods, 'allow_methods'),
    headers: text(message.allowHeaders, 'allow_headers'),
    exposeHeaders: text(message.exposeHeaders, 'expose_headers'),
    maxAge: text(message.maxAge, 'max_age'),
    credentials: message.allowCredentials ?? null,
    privateNetwork: message.allowPrivateNetworkAccess ?? null,
    forwardsForeignPreflights: message.forwardNotMatchingPreflights ?? null,
    enabled: runtimeFraction(filterEnabled, 1),
    shadowEnabled: runtimeFraction(message.shadowEnabled, 0),
  })
}

/** Of a route or a virtual host. */
export function compileRouteCors(message: CorsPolicyMessage, path: string, check: ResourceCheck): CorsPolicy {
  check.honour(CorsPolicySchema, message, path, CORS_FIELDS)
  const { enabledSpecifier } = message
  const enabled = enabledSpecifier.case === 'filterEnabled' ? enabledSpecifier.value : undefined
  return compileCorsPolicy(message, enabled, path, check)
}

/**
 * Least specific first. Each field is that of the most specific level that sets it; whether there is CORS at all is up to
 * the most specific level alone (Envoy).
 */
export function combineCorsPolicies(levels: readonly CorsPolicy[]): CorsPolicy {
  const text = (read: (policy: CorsPolicy) => string): string => read(levels.findLast(read) ?? last)
  const flag = (read: (policy: CorsPolicy) => boolean | null): boolean | null =>
    read(levels.findLast(level => read(level) !== null) ?? last)
  const last = levels[levels.length - 1]!
  return new CorsPolicy({
    origins: (levels.findLast(level => level.origins.length > 0) ?? last).origins,
    methods: text(level => level.methods),
    headers: text(level => level.headers),
    exposeHeaders: text(level => level.exposeHeaders),
    maxAge: text(level => level.maxAge),
    credentials: flag(level => level.credentials),
    privateNetwork: flag(level => level.privateNetwork),
    forwardsForeignPreflights: flag(level => level.forwardsForeignPreflights),
    enabled: last.enabled,
    shadowEnabled: last.shadowEnabled,
  })
}
