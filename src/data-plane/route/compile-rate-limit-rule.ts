// Envoy's RateLimit of routes and virtual hosts, compiled.
import { toByteString } from '../../automata/regex.ts'
import {
  type RateLimit,
  type RateLimit_Action,
  RateLimit_Action_GenericKeySchema,
  RateLimit_Action_HeaderValueMatchSchema,
  RateLimit_Action_QueryParameterValueMatchSchema,
  RateLimit_Action_RequestHeadersSchema,
  RateLimit_ActionSchema,
  RateLimitSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { compileHeaderMatcher, compileQueryMatcher } from './criterion.ts'
import { hasControl } from './header-mutator.ts'
import {
  type DescriptorAction,
  DestinationCluster,
  GenericKey,
  RateLimitRule,
  RemoteAddress,
  RequestHeaderValue,
  ValueMatch,
} from './rate-limit-rule.ts'

/** `disable_key` names a runtime key, and there are no runtime layers. */
const FIELDS = new Set(['stage', 'disable_key', 'actions'])
/** `source_cluster` would need the name of this proxy's own cluster, which routes do not know. */
const ACTION_FIELDS = new Set([
  'destination_cluster',
  'request_headers',
  'remote_address',
  'generic_key',
  'header_value_match',
  'query_parameter_value_match',
])
const REQUEST_HEADERS_FIELDS = new Set(['header_name', 'descriptor_key', 'skip_if_absent'])
const GENERIC_KEY_FIELDS = new Set(['descriptor_value', 'descriptor_key'])
const HEADER_MATCH_FIELDS = new Set(['descriptor_key', 'descriptor_value', 'expect_match', 'headers'])
const QUERY_MATCH_FIELDS = new Set(['descriptor_key', 'descriptor_value', 'expect_match', 'query_parameters'])
const MAX_STAGE = 10

export function compileRateLimits(limits: readonly RateLimit[], path: string, check: ResourceCheck): RateLimitRule[] {
  return limits.map((limit, index) => {
    const at = `${path}.rate_limits[${index}]`
    check.honour(RateLimitSchema, limit, at, FIELDS)
    const stage = limit.stage ?? 0
    if (stage > MAX_STAGE) check.error(`${at}.stage`, `must not exceed ${MAX_STAGE}`)
    if (limit.actions.length === 0) check.error(`${at}.actions`, 'must not be empty')
    return new RateLimitRule(
      stage,
      limit.actions.flatMap((action, i) => compileAction(action, `${at}.actions[${i}]`, check) ?? []),
    )
  })
}

/** Null after a problem was reported. */
function compileAction(action: RateLimit_Action, path: string, check: ResourceCheck): DescriptorAction | null {
  check.honour(RateLimit_ActionSchema, action, path, ACTION_FIELDS)
  const { actionSpecifier: specifier } = action
  const at = (field: string): string => `${path}.${field}`
  const text = (value: string, field: string): string => descriptorText(value, at(field), check)
  switch (specifier.case) {
    case 'destinationCluster':
      return new DestinationCluster()
    case 'remoteAddress':
      return new RemoteAddress()
    case 'genericKey': {
      const { value } = specifier
      check.honour(RateLimit_Action_GenericKeySchema, value, at('generic_key'), GENERIC_KEY_FIELDS)
      const key = value.descriptorKey === '' ? 'generic_key' : value.descriptorKey
      return new GenericKey(
        text(key, 'generic_key.descriptor_key'),
        text(value.descriptorValue, 'generic_key.descriptor_value'),
      )
    }
    case 'requestHeaders': {
      const { value } = specifier
      check.honour(RateLimit_Action_RequestHeadersSchema, value, at('request_headers'), REQUEST_HEADERS_FIELDS)
      if (value.headerName === '') check.error(at('request_headers.header_name'), 'must not be empty')
      const key = text(value.descriptorKey, 'request_headers.descriptor_key')
      return new RequestHeaderValue(value.headerName.toLowerCase(), key, value.skipIfAbsent)
    }
    case 'headerValueMatch': {
      const { value } = specifier
      check.honour(RateLimit_Action_HeaderValueMatchSchema, value, at('header_value_match'), HEADER_MATCH_FIELDS)
      if (value.headers.length === 0) check.error(at('header_value_match.headers'), 'must not be empty')
      return new ValueMatch(
        value.headers.map((one, i) => compileHeaderMatcher(one, at(`header_value_match.headers[${i}]`), check)),
        value.expectMatch ?? true,
        text(value.descriptorKey || 'header_match', 'header_value_match.descriptor_key'),
        text(value.descriptorValue, 'header_value_match.descriptor_value'),
      )
    }
    case 'queryParameterValueMatch': {
      const { value } = specifier
      const field = 'query_parameter_value_match'
      check.honour(RateLimit_Action_QueryParameterValueMatchSchema, value, at(field), QUERY_MATCH_FIELDS)
      if (value.queryParameters.length === 0) check.error(at(`${field}.query_parameters`), 'must not be empty')
      return new ValueMatch(
        value.queryParameters.map((one, i) => compileQueryMatcher(one, at(`${field}.query_parameters[${i}]`), check)),
        value.expectMatch ?? true,
        text(value.descriptorKey || 'query_match', `${field}.descriptor_key`),
        text(value.descriptorValue, `${field}.descriptor_value`),
      )
    }
    case undefined:
      check.error(path, 'needs an action')
      return null
    default:
      return null
  }
}

/** A key or a value of a descriptor's entry. */
export function descriptorText(value: string, path: string, check: ResourceCheck): string {
  if (value === '') check.error(path, 'must not be empty')
  if (hasControl(value)) check.error(path, 'must not hold control characters')
  return toByteString(value)
}
