// Envoy's MetadataMatcher: what a route asks of what filters have said of the stream.
import { toByteString } from '../../automata/regex.ts'
import { type MetadataMatcher, MetadataMatcherSchema } from '../../xds/generated/envoy/type/matcher/v3/metadata_pb.ts'
import type { DoubleMatcher } from '../../xds/generated/envoy/type/matcher/v3/number_pb.ts'
import {
  ListMatcherSchema,
  type ValueMatcher,
  ValueMatcherSchema,
} from '../../xds/generated/envoy/type/matcher/v3/value_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { MetadataPath, type MetadataSource, type MetadataValue } from '../stream-metadata.ts'
import { compileStringMatcher } from './string-matcher.ts'

export interface MetadataCriterion {
  test(source: MetadataSource): boolean
}

const MATCHER_FIELDS = new Set(['filter', 'path', 'value', 'invert'])
const VALUE_FIELDS = new Set([
  'null_match',
  'double_match',
  'string_match',
  'bool_match',
  'present_match',
  'list_match',
  'or_match',
])
const LIST_FIELDS = new Set(['one_of'])
/** Config nests as deep as it likes, and the stack does not. */
const MAX_DEPTH = 16

export function compileMetadataMatcher(
  matcher: MetadataMatcher,
  path: string,
  check: ResourceCheck,
): MetadataCriterion {
  check.honour(MetadataMatcherSchema, matcher, path, MATCHER_FIELDS)
  if (matcher.filter === '') check.error(`${path}.filter`, 'must not be empty')
  if (matcher.path.length === 0) check.error(`${path}.path`, 'must not be empty')
  const keys = matcher.path.map(({ segment }, index) => {
    const key = segment.case === 'key' ? segment.value : ''
    if (key === '') check.error(`${path}.path[${index}].key`, 'must not be empty')
    return toByteString(key)
  })
  const place = new MetadataPath(matcher.filter, keys)
  const test = compileValue(matcher.value, `${path}.value`, check, 0)
  const { invert } = matcher
  return { test: source => test(place.valueIn(source)) !== invert }
}

type ValueTest = (value: MetadataValue | undefined) => boolean

function compileValue(matcher: ValueMatcher | undefined, path: string, check: ResourceCheck, depth: number): ValueTest {
  const pattern = matcher?.matchPattern
  if (matcher) check.honour(ValueMatcherSchema, matcher, path, VALUE_FIELDS)
  if (depth > MAX_DEPTH) check.error(path, `nests more than ${MAX_DEPTH} deep`)
  else
    switch (pattern?.case) {
      case 'nullMatch':
        return value => value === null
      case 'boolMatch': {
        const wanted = pattern.value
        return value => value === wanted
      }
      case 'doubleMatch':
        return compileNumber(pattern.value, `${path}.double_match`, check)
      case 'stringMatch': {
        const { test } = compileStringMatcher(pattern.value, `${path}.string_match`, check)
        return value => typeof value === 'string' && test(value)
      }
      case 'presentMatch': {
        const asks = pattern.value
        return value => asks && value !== undefined
      }
      case 'listMatch': {
        const at = `${path}.list_match`
        check.honour(ListMatcherSchema, pattern.value, at, LIST_FIELDS)
        const { matchPattern } = pattern.value
        const oneOf = matchPattern.case === 'oneOf' ? matchPattern.value : undefined
        return someElement(compileValue(oneOf, `${at}.one_of`, check, depth + 1))
      }
      case 'orMatch': {
        const { valueMatchers } = pattern.value
        if (valueMatchers.length < 2) check.error(`${path}.or_match.value_matchers`, 'must be two at least')
        const at = (index: number): string => `${path}.or_match.value_matchers[${index}]`
        return anyOf(valueMatchers.map((one, index) => compileValue(one, at(index), check, depth + 1)))
      }
      default:
        check.error(path, 'needs a pattern')
    }
  return () => false
}

function someElement(test: ValueTest): ValueTest {
  return value => {
    if (!Array.isArray(value)) return false
    for (let i = 0; i < value.length; i++) if (test(value[i])) return true
    return false
  }
}

function anyOf(tests: readonly ValueTest[]): ValueTest {
  return value => {
    for (let i = 0; i < tests.length; i++) if (tests[i]!(value)) return true
    return false
  }
}

/** A range is [start, end). */
function compileNumber({ matchPattern }: DoubleMatcher, path: string, check: ResourceCheck): ValueTest {
  if (matchPattern.case === 'exact') {
    const wanted = matchPattern.value
    return value => value === wanted
  }
  if (matchPattern.case === 'range') {
    const { start, end } = matchPattern.value
    return value => typeof value === 'number' && value >= start && value < end
  }
  check.error(path, 'needs a pattern')
  return () => false
}
