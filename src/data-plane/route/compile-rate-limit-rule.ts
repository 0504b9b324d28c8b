// Envoy's RateLimit of routes and virtual hosts, compiled.
import { toByteString } from '../../automata/regex.ts'
import {
  type RateLimit,
  type RateLimit_Action,
  RateLimit_Action_GenericKeySchema,
  RateLimit_Action_HeaderValueMatchSchema,
  RateLimit_Action_MaskedRemoteAddressSchema,
  type RateLimit_Action_MetaData,
  RateLimit_Action_MetaData_Source,
  RateLimit_Action_MetaDataSchema,
  RateLimit_Action_QueryParameterValueMatchSchema,
  RateLimit_Action_RequestHeadersSchema,
  RateLimit_ActionSchema,
  RateLimitSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { MetadataPath } from '../stream-metadata.ts'
import { hasControl } from './control-character.ts'
import { compileHeaderMatcher, compileQueryMatcher } from './criterion.ts'
import {
  type DescriptorAction,
  DestinationCluster,
  DynamicMetadataValue,
  GenericKey,
  MaskedRemoteAddress,
  RateLimitRule,
  RemoteAddress,
  RequestHeaderValue,
  SourceCluster,
  ValueMatch,
} from './rate-limit-rule.ts'

/** `disable_key` names a runtime key, and there are no runtime layers. */
const FIELDS = new Set(['stage', 'disable_key', 'actions'])
/** Envoy, too, refuses the others in a filter's own. */
const OWN_FIELDS = new Set(['actions'])
const ACTION_FIELDS = new Set([
  'source_cluster',
  'destination_cluster',
  'request_headers',
  'remote_address',
  'masked_remote_address',
  'metadata',
  'generic_key',
  'header_value_match',
  'query_parameter_value_match',
])
const REQUEST_HEADERS_FIELDS = new Set(['header_name', 'descriptor_key', 'skip_if_absent'])
const GENERIC_KEY_FIELDS = new Set(['descriptor_value', 'descriptor_key'])
const HEADER_MATCH_FIELDS = new Set(['descriptor_key', 'descriptor_value', 'expect_match', 'headers'])
const QUERY_MATCH_FIELDS = new Set(['descriptor_key', 'descriptor_value', 'expect_match', 'query_parameters'])
const MASKED_FIELDS = new Set(['v4_prefix_mask_len', 'v6_prefix_mask_len'])
const METADATA_FIELDS = new Set(['descriptor_key', 'metadata_key', 'default_value', 'source', 'skip_if_absent'])
const MAX_STAGE = 10

/** Of a route or a virtual host, at `path`. */
export function compileRateLimits(limits: readonly RateLimit[], path: string, check: ResourceCheck): RateLimitRule[] {
  return compileRules(limits, path, FIELDS, check)
}

/** Those that a filter's config brings along. */
export function compileOwnRateLimits(
  limits: readonly RateLimit[],
  path: string,
  check: ResourceCheck,
): RateLimitRule[] {
  return compileRules(limits, path, OWN_FIELDS, check)
}

function compileRules(
  limits: readonly RateLimit[],
  path: string,
  honoured: ReadonlySet<string>,
  check: ResourceCheck,
): RateLimitRule[] {
  return limits.map((limit, index) => {
    const at = `${path}[${index}]`
    check.honour(RateLimitSchema, limit, at, honoured)
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
    case 'sourceCluster':
      return new SourceCluster()
    case 'remoteAddress':
      return new RemoteAddress()
    case 'maskedRemoteAddress': {
      const { value } = specifier
      check.honour(RateLimit_Action_MaskedRemoteAddressSchema, value, at('masked_remote_address'), MASKED_FIELDS)
      const bits = (asked: number | undefined, most: number, field: string): number => {
        if (asked !== undefined && asked > most)
          check.error(at(`masked_remote_address.${field}`), `must not exceed ${most}`)
        return asked ?? most
      }
      return new MaskedRemoteAddress(
        bits(value.v4PrefixMaskLen, 32, 'v4_prefix_mask_len'),
        bits(value.v6PrefixMaskLen, 128, 'v6_prefix_mask_len'),
      )
    }
    case 'metadata':
      return compileMetadata(specifier.value, at('metadata'), check)
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

function compileMetadata(value: RateLimit_Action_MetaData, path: string, check: ResourceCheck): DescriptorAction {
  check.honour(RateLimit_Action_MetaDataSchema, value, path, METADATA_FIELDS)
  if (value.source !== RateLimit_Action_MetaData_Source.DYNAMIC)
    check.unsupported(`${path}.source`, 'only DYNAMIC metadata is supported')
  const { metadataKey } = value
  const steps = metadataKey?.path ?? []
  if (metadataKey === undefined || metadataKey.key === '') check.error(`${path}.metadata_key`, 'must not be empty')
  else if (steps.length === 0) check.error(`${path}.metadata_key.path`, 'must not be empty')
  const keys = steps.map(({ segment }, index) => {
    const key = segment.case === 'key' ? segment.value : ''
    if (key === '') check.error(`${path}.metadata_key.path[${index}].key`, 'must not be empty')
    return toByteString(key)
  })
  return new DynamicMetadataValue(
    new MetadataPath(metadataKey?.key ?? '', keys),
    descriptorText(value.descriptorKey, `${path}.descriptor_key`, check),
    value.defaultValue === '' ? '' : descriptorText(value.defaultValue, `${path}.default_value`, check),
    value.skipIfAbsent,
  )
}

/** A key or a value of a descriptor's entry. */
export function descriptorText(value: string, path: string, check: ResourceCheck): string {
  if (value === '') check.error(path, 'must not be empty')
  if (hasControl(value)) check.error(path, 'must not hold control characters')
  return toByteString(value)
}
