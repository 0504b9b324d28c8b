// AccessLogFilter -> LogFilter. There are no runtime layers: a runtime key's default is its value.
import { toByteString } from '../../automata/regex.ts'
import type { Random } from '../../base/random.ts'
import {
  type AccessLogFilter,
  AccessLogFilterSchema,
  type ComparisonFilter,
  ComparisonFilterSchema,
  type GrpcStatusFilter as GrpcStatusMessage,
  type LogTypeFilter as LogTypeMessage,
  type MetadataFilter as MetadataMessage,
  type RuntimeFilter,
  RuntimeFilterSchema,
} from '../../xds/generated/envoy/config/accesslog/v3/accesslog_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { isAccessLogType } from '../access-log-type.ts'
import { isResponseFlag, RESPONSE_FLAG } from '../response-flag.ts'
import { compileHeaderMatcher } from '../route/criterion.ts'
import { compileMetadataMatcher } from '../route/metadata-criterion.ts'
import { MetadataPath } from '../stream-metadata.ts'
import {
  AndFilter,
  type Comparison,
  DurationFilter,
  FlagFilter,
  FractionFilter,
  GrpcStatusFilter,
  HeaderFilter,
  type LogFilter,
  LogTypeFilter,
  MetadataFilter,
  NOT_HEALTH_CHECK,
  OrFilter,
  StatusFilter,
} from './log-filter.ts'

const FIELDS = new Set([
  'status_code_filter',
  'duration_filter',
  'not_health_check_filter',
  'runtime_filter',
  'and_filter',
  'or_filter',
  'header_filter',
  'response_flag_filter',
  'grpc_status_filter',
  'metadata_filter',
  'log_type_filter',
])
/** Config nests as deep as it likes, and the stack does not. */
const MAX_DEPTH = 16
const NOBODY: LogFilter = { admits: () => false }

export function compileLogFilter(
  message: AccessLogFilter,
  path: string,
  random: Random,
  check: ResourceCheck,
  depth = 0,
): LogFilter {
  check.honour(AccessLogFilterSchema, message, path, FIELDS)
  const { filterSpecifier: specifier } = message
  if (depth > MAX_DEPTH) {
    check.error(path, `nests more than ${MAX_DEPTH} deep`)
    return NOBODY
  }
  switch (specifier.case) {
    case 'statusCodeFilter':
      return new StatusFilter(compileComparison(specifier.value.comparison, `${path}.status_code_filter`, check))
    case 'durationFilter':
      return new DurationFilter(compileComparison(specifier.value.comparison, `${path}.duration_filter`, check))
    case 'notHealthCheckFilter':
      return NOT_HEALTH_CHECK
    case 'runtimeFilter':
      return compileFraction(specifier.value, `${path}.runtime_filter`, random, check)
    case 'andFilter':
    case 'orFilter': {
      const at = `${path}.${specifier.case === 'andFilter' ? 'and_filter' : 'or_filter'}.filters`
      const { filters } = specifier.value
      if (filters.length < 2) check.error(at, 'must be two at least')
      const compiled = filters.map((one, i) => compileLogFilter(one, `${at}[${i}]`, random, check, depth + 1))
      return specifier.case === 'andFilter' ? new AndFilter(compiled) : new OrFilter(compiled)
    }
    case 'headerFilter': {
      const { header } = specifier.value
      const at = `${path}.header_filter.header`
      if (header !== undefined) return new HeaderFilter(compileHeaderMatcher(header, at, check))
      check.error(at, 'is required')
      return NOBODY
    }
    case 'responseFlagFilter':
      return compileFlags(specifier.value.flags, `${path}.response_flag_filter`, check)
    case 'grpcStatusFilter':
      return compileGrpcStatus(specifier.value, `${path}.grpc_status_filter`, check)
    case 'metadataFilter':
      return compileMetadata(specifier.value, `${path}.metadata_filter`, check)
    case 'logTypeFilter':
      return compileLogType(specifier.value, `${path}.log_type_filter`, check)
    case undefined:
      check.error(path, 'needs a filter')
      return NOBODY
    default:
      return NOBODY
  }
}

/** Envoy's numbers of ComparisonFilter.Op; the last is newer than the generated messages. */
const COMPARISONS: Readonly<Record<number, (wanted: number) => Comparison>> = {
  0: wanted => value => value === wanted,
  1: wanted => value => value >= wanted,
  2: wanted => value => value <= wanted,
  3: wanted => value => value !== wanted,
}

function compileComparison(message: ComparisonFilter | undefined, path: string, check: ResourceCheck): Comparison {
  const at = `${path}.comparison`
  if (message === undefined) {
    check.error(at, 'is required')
    return () => false
  }
  check.honour(ComparisonFilterSchema, message, at, new Set(['op', 'value']))
  if (message.value === undefined) check.error(`${at}.value`, 'is required')
  else if (message.value.runtimeKey === '') check.error(`${at}.value.runtime_key`, 'must not be empty')
  const make = COMPARISONS[message.op]
  if (make === undefined) check.error(`${at}.op`, `there is no ${message.op}`)
  return make?.(message.value?.defaultValue ?? 0) ?? (() => false)
}

const DENOMINATORS = [100, 10_000, 1_000_000]

function compileFraction(message: RuntimeFilter, path: string, random: Random, check: ResourceCheck): LogFilter {
  check.honour(
    RuntimeFilterSchema,
    message,
    path,
    new Set(['runtime_key', 'percent_sampled', 'use_independent_randomness']),
  )
  if (message.runtimeKey === '') check.error(`${path}.runtime_key`, 'must not be empty')
  const { numerator = 0, denominator = 0 } = message.percentSampled ?? {}
  const base = DENOMINATORS[denominator]
  if (base === undefined) check.error(`${path}.percent_sampled.denominator`, `there is no ${denominator}`)
  return new FractionFilter(numerator, base ?? 100, message.useIndependentRandomness, random)
}

/** Flags that Envoy knows and nothing in Weft sets. */
const NEVER_SET = new Set(['RFCF', 'NFCF', 'DF', 'DO', 'UDO'])

/** None given: any flag. */
function compileFlags(flags: readonly string[], path: string, check: ResourceCheck): LogFilter {
  let bits = 0
  for (const [index, flag] of flags.entries()) {
    if (isResponseFlag(flag)) bits |= RESPONSE_FLAG[flag]
    else if (!NEVER_SET.has(flag)) check.error(`${path}.flags[${index}]`, `${JSON.stringify(flag)} is no response flag`)
  }
  return new FlagFilter(flags.length === 0 ? -1 : bits)
}

const HIGHEST_GRPC_STATUS = 16

function compileGrpcStatus({ statuses, exclude }: GrpcStatusMessage, path: string, check: ResourceCheck): LogFilter {
  for (const [index, status] of statuses.entries())
    if (status > HIGHEST_GRPC_STATUS) check.error(`${path}.statuses[${index}]`, `there is no status ${status}`)
  return new GrpcStatusFilter(new Set<number>(statuses), exclude)
}

function compileMetadata(message: MetadataMessage, path: string, check: ResourceCheck): LogFilter {
  const { matcher, matchIfKeyNotFound = true } = message
  const at = `${path}.matcher`
  if (matcher === undefined) {
    check.error(at, 'is required')
    return NOBODY
  }
  if (matcher.invert) check.unsupported(`${at}.invert`, 'Envoy does not heed it here')
  const keys = matcher.path.map(({ segment }) => toByteString(segment.case === 'key' ? segment.value : ''))
  const criterion = compileMetadataMatcher(matcher, at, check)
  return new MetadataFilter(new MetadataPath(matcher.filter, keys), criterion, matchIfKeyNotFound)
}

function compileLogType({ types, exclude }: LogTypeMessage, path: string, check: ResourceCheck): LogFilter {
  for (const [index, type] of types.entries())
    if (!isAccessLogType(type)) check.error(`${path}.types[${index}]`, `there is no type ${type}`)
  return new LogTypeFilter(new Set<number>(types), exclude)
}
