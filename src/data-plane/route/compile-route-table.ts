// RouteConfiguration -> RouteTable: everything decidable is decided here, once.
import type { Parsed } from '../../base/problem.ts'
import {
  VirtualHost_TlsRequirementType as TlsType,
  type VirtualHost as VirtualHostMessage,
  VirtualHostSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import type { StatsScope } from '../stats/stats-scope.ts'
import { compileRouteCors } from './compile-cors-policy.ts'
import { compileRateLimits } from './compile-rate-limit-rule.ts'
import { type CompiledRoute, compileRoute } from './compile-route.ts'
import { hasControl } from './control-character.ts'
import { DomainMap } from './domain-map.ts'
import { compileLevel } from './header-mutator.ts'
import { compileHedgePolicy } from './hedge-policy.ts'
import { compileMirrorPolicies, type MirrorPolicy } from './mirror-policy.ts'
import { createTlsRedirect } from './redirect-route.ts'
import { compileRetryPolicy } from './retry-policy.ts'
import type { RouteEntry, RouteQuery, RouteTable } from './route-entry.ts'
import { compileFilterLevel, mergeFilterLevels, NO_ROUTE_CONFIGS, type RouteConfigFactories } from './route-filters.ts'
import { type RouteScope, withLevel } from './route-scope.ts'
import { compileVirtualClusters } from './virtual-clusters.ts'
import { type TlsRequirement, VirtualHost } from './virtual-host.ts'

const CONFIGURATION_FIELDS = new Set([
  'name',
  'virtual_hosts',
  'request_headers_to_add',
  'request_headers_to_remove',
  'response_headers_to_add',
  'response_headers_to_remove',
  'most_specific_header_mutations_wins',
  'validate_clusters',
  'max_direct_response_body_size_bytes',
  'request_mirror_policies',
  'ignore_port_in_host_matching',
  'metadata',
  'typed_per_filter_config',
])
const VIRTUAL_HOST_FIELDS = new Set([
  'name',
  'domains',
  'routes',
  'require_tls',
  'request_headers_to_add',
  'request_headers_to_remove',
  'response_headers_to_add',
  'response_headers_to_remove',
  'include_request_attempt_count',
  'include_attempt_count_in_response',
  'retry_policy',
  'hedge_policy',
  'request_mirror_policies',
  'virtual_clusters',
  'metadata',
  'typed_per_filter_config',
  'cors',
  'rate_limits',
  'per_request_buffer_limit_bytes',
])
const TLS: Readonly<Record<TlsType, TlsRequirement>> = {
  [TlsType.NONE]: 'none',
  [TlsType.EXTERNAL_ONLY]: 'external-only',
  [TlsType.ALL]: 'all',
}
/** Envoy's max_direct_response_body_size_bytes where it is not set. */
const DEFAULT_DIRECT_RESPONSE_BYTES = 4096

/** A table, or every problem of the configuration, unsupported fields included. */
export function compileRouteTable(
  configuration: RouteConfiguration,
  filterFactories: RouteConfigFactories = NO_ROUTE_CONFIGS,
  stats: StatsScope | null = null,
): Parsed<RouteTable> {
  const check = new ResourceCheck(`RouteConfiguration ${configuration.name}`)
  check.honour(RouteConfigurationSchema, configuration, '', CONFIGURATION_FIELDS)
  if (configuration.validateClusters) check.unsupported('validate_clusters', 'only false is supported')
  const scope = withLevel(
    {
      virtualHost: '',
      requestLevels: [],
      responseLevels: [],
      mostSpecificWins: configuration.mostSpecificHeaderMutationsWins,
      virtualClusters: null,
      retry: null,
      mirrors: mirrorsOf(configuration, '', check) ?? [],
      hedgesOnPerTryTimeout: false,
      attemptCountInRequest: false,
      attemptCountInResponse: false,
      maxDirectResponseBytes: configuration.maxDirectResponseBodySizeBytes ?? DEFAULT_DIRECT_RESPONSE_BYTES,
      bufferLimit: null,
      filterFactories,
      stats,
      filterLevels: [],
      corsLevels: [],
      rateLimits: [],
      virtualHostRateLimits: [],
      includesVirtualHostRateLimits: false,
    },
    compileLevel(configuration.requestHeadersToAdd, configuration.requestHeadersToRemove, '', 'request_headers', check),
    compileLevel(
      configuration.responseHeadersToAdd,
      configuration.responseHeadersToRemove,
      '',
      'response_headers',
      check,
    ),
    compileFilterLevel(configuration.typedPerFilterConfig, '', filterFactories, check),
  )
  const domains = new DomainMap<VirtualHost>(configuration.ignorePortInHostMatching)
  const names = new Set<string>()
  for (const [index, message] of configuration.virtualHosts.entries()) {
    const path = `virtual_hosts[${index}]`
    if (names.has(message.name)) check.error(`${path}.name`, `only unique names are permitted: ${message.name}`)
    names.add(message.name)
    const host = compileVirtualHost(message, scope, path, check)
    addDomains(domains, message, host, path, check)
  }
  return check.result<RouteTable>(new CompiledTable(configuration.name, domains))
}

class CompiledTable implements RouteTable {
  readonly name: string
  readonly #domains: DomainMap<VirtualHost>

  constructor(name: string, domains: DomainMap<VirtualHost>) {
    this.name = name
    this.#domains = domains
  }

  match(query: RouteQuery): RouteEntry | null {
    const host = this.#domains.find(query.head.authority)
    return host === null ? null : host.match(query)
  }
}

function addDomains(
  domains: DomainMap<VirtualHost>,
  message: VirtualHostMessage,
  host: VirtualHost,
  path: string,
  check: ResourceCheck,
): void {
  if (message.domains.length === 0) check.error(`${path}.domains`, 'must not be empty')
  for (const [index, domain] of message.domains.entries()) {
    const at = `${path}.domains[${index}]`
    if (domain === '') check.error(at, 'must not be empty')
    else if (hasControl(domain)) check.error(at, 'must not hold control characters')
    else if (!domains.add(domain, host))
      check.error(at, `only unique values for domains are permitted: ${domain} of virtual host ${message.name}`)
  }
}

/** Null where a level says nothing of copies: the level above holds. */
function mirrorsOf(
  { requestMirrorPolicies: policies }: Pick<VirtualHostMessage, 'requestMirrorPolicies'>,
  prefix: string,
  check: ResourceCheck,
): readonly MirrorPolicy[] | null {
  if (policies.length === 0) return null
  return compileMirrorPolicies(policies, null, `${prefix}request_mirror_policies`, check)
}

function compileVirtualHost(
  message: VirtualHostMessage,
  outer: RouteScope,
  path: string,
  check: ResourceCheck,
): VirtualHost {
  check.honour(VirtualHostSchema, message, path, VIRTUAL_HOST_FIELDS)
  if (message.name === '') check.error(`${path}.name`, 'must not be empty')
  const scope = withLevel(
    {
      ...outer,
      virtualHost: message.name,
      retry: message.retryPolicy ? compileRetryPolicy(message.retryPolicy, `${path}.retry_policy`, check) : null,
      hedgesOnPerTryTimeout: message.hedgePolicy
        ? compileHedgePolicy(message.hedgePolicy, `${path}.hedge_policy`, check)
        : false,
      virtualClusters: compileVirtualClusters(
        message.virtualClusters,
        message.name,
        `${path}.virtual_clusters`,
        outer.stats,
        check,
      ),
      mirrors: mirrorsOf(message, `${path}.`, check) ?? outer.mirrors,
      bufferLimit: message.perRequestBufferLimitBytes ?? null,
      attemptCountInRequest: message.includeRequestAttemptCount,
      attemptCountInResponse: message.includeAttemptCountInResponse,
      virtualHostRateLimits: compileRateLimits(message.rateLimits, `${path}.rate_limits`, check),
      corsLevels: message.cors ? [compileRouteCors(message.cors, `${path}.cors`, check)] : [],
    },
    compileLevel(message.requestHeadersToAdd, message.requestHeadersToRemove, `${path}.`, 'request_headers', check),
    compileLevel(message.responseHeadersToAdd, message.responseHeadersToRemove, `${path}.`, 'response_headers', check),
    compileFilterLevel(message.typedPerFilterConfig, `${path}.`, outer.filterFactories, check),
  )
  const routes: CompiledRoute[] = []
  for (const [index, route] of message.routes.entries()) {
    const compiled = compileRoute(route, scope, `${path}.routes[${index}]`, check)
    if (compiled !== null) routes.push(compiled)
  }
  const tls = TLS[message.requireTls] ?? 'none'
  return new VirtualHost(routes, tls, createTlsRedirect(message.name, mergeFilterLevels(scope)))
}
