// InternalRedirectPolicy, compiled.
import { unpackAny } from '../../xds/any-pack.ts'
import type { TypedExtensionConfig } from '../../xds/generated/envoy/config/core/v3/extension_pb.ts'
import {
  InternalRedirectPolicySchema,
  type InternalRedirectPolicy as PolicyMessage,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { AllowListedRoutesConfigSchema } from '../../xds/generated/envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config_pb.ts'
import { PreviousRoutesConfigSchema } from '../../xds/generated/envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config_pb.ts'
import { SafeCrossSchemeConfigSchema } from '../../xds/generated/envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { checkName } from './header-mutator.ts'
import type { InternalRedirectPolicy, RedirectPredicate } from './internal-redirect-policy.ts'

const FIELDS = new Set([
  'max_internal_redirects',
  'redirect_response_codes',
  'predicates',
  'allow_cross_scheme_redirect',
  'response_headers_to_copy',
])
/** Any other is left out, as in Envoy. */
const STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const MAX_STATUSES = 5

export function compileInternalRedirects(
  policy: PolicyMessage,
  path: string,
  check: ResourceCheck,
): InternalRedirectPolicy {
  check.honour(InternalRedirectPolicySchema, policy, path, FIELDS)
  const { redirectResponseCodes: codes, responseHeadersToCopy: names } = policy
  if (codes.length > MAX_STATUSES) check.error(`${path}.redirect_response_codes`, `more than ${MAX_STATUSES}`)
  for (const [index, name] of names.entries()) {
    const at = `${path}.response_headers_to_copy[${index}]`
    checkName(name, at, check)
    if (names.indexOf(name) < index) check.error(at, `${name} is there twice`)
  }
  const predicates = policy.predicates.map((predicate, i) =>
    compilePredicate(predicate, `${path}.predicates[${i}]`, check),
  )
  return {
    maxRedirects: policy.maxInternalRedirects ?? 1,
    statuses: codes.length === 0 ? new Set([302]) : new Set(codes.filter(code => STATUSES.has(code))),
    predicates: predicates.filter(predicate => predicate !== null),
    allowsCrossScheme: policy.allowCrossSchemeRedirect,
    headersToCopy: names.map(name => name.toLowerCase()),
  }
}

function compilePredicate(
  { name, typedConfig }: TypedExtensionConfig,
  path: string,
  check: ResourceCheck,
): RedirectPredicate | null {
  if (unpackAny(typedConfig, PreviousRoutesConfigSchema) !== null) return { kind: 'previous-routes' }
  if (unpackAny(typedConfig, SafeCrossSchemeConfigSchema) !== null) return { kind: 'safe-cross-scheme' }
  const allowed = unpackAny(typedConfig, AllowListedRoutesConfigSchema)
  if (allowed === null) {
    check.unsupported(path, `the predicate ${name} is not supported`)
    return null
  }
  for (const [index, route] of allowed.allowedRouteNames.entries())
    if (route === '') check.error(`${path}.typed_config.allowed_route_names[${index}]`, 'must not be empty')
  return { kind: 'allow-listed-routes', names: new Set(allowed.allowedRouteNames) }
}
