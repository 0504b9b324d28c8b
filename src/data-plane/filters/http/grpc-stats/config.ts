// The config of grpc_stats, compiled once for each listener.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import {
  GrpcMethodList_ServiceSchema,
  GrpcMethodListSchema,
} from '../../../../xds/generated/envoy/config/core/v3/grpc_method_list_pb.ts'
import {
  type FilterConfig,
  FilterConfigSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/grpc_stats/v3/config_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import type { GrpcStatsConfig } from '../../../stats/grpc-method-stats.ts'

/** `emit_filter_state` is on in all of Istio's chains: there is nothing here that would read the filter state. */
const FIELDS = new Set([
  'emit_filter_state',
  'individual_method_stats_allowlist',
  'stats_for_all_methods',
  'enable_upstream_stats',
  'replace_dots_in_grpc_service_name',
])
const LIST_FIELDS = new Set(['services'])
const SERVICE_FIELDS = new Set(['name', 'method_names'])

export function compileGrpcStats(typedConfig: Any): Parsed<GrpcStatsConfig> {
  const check = new ResourceCheck('')
  const message = unpackAny(typedConfig, FilterConfigSchema)
  if (message === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  else check.honour(FilterConfigSchema, message, '', FIELDS)
  return check.result<GrpcStatsConfig>({
    family: 'grpc',
    methods: message === null ? new Set<string>() : methodsOf(message, check),
    withTime: message?.enableUpstreamStats ?? false,
    replaceDots: message?.replaceDotsInGrpcServiceName ?? false,
  })
}

function methodsOf(message: FilterConfig, check: ResourceCheck): GrpcStatsConfig['methods'] {
  const specifier = message.perMethodStatSpecifier
  if (specifier.case === 'statsForAllMethods') return specifier.value.value ? 'all' : new Set()
  const methods = new Set<string>()
  if (specifier.case !== 'individualMethodStatsAllowlist') return methods
  const at = 'individual_method_stats_allowlist'
  check.honour(GrpcMethodListSchema, specifier.value, at, LIST_FIELDS)
  for (const [index, service] of specifier.value.services.entries()) {
    const path = `${at}.services[${index}]`
    check.honour(GrpcMethodList_ServiceSchema, service, path, SERVICE_FIELDS)
    if (service.name === '') check.error(`${path}.name`, 'must not be empty')
    if (service.methodNames.length === 0) check.error(`${path}.method_names`, 'must not be empty')
    for (const method of service.methodNames) methods.add(`/${service.name}/${method}`)
  }
  return methods
}
