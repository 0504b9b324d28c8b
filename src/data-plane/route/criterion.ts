// What a route asks of a request besides its path: headers and query parameters.
import type { RequestHead } from '../../transport/request-head.ts'
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type QueryParameterMatcher,
  QueryParameterMatcherSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { isGrpcContentType } from '../http/grpc-status.ts'
import { hasControl } from './control-character.ts'
import { headValue, someHeadValue } from './head-value.ts'
import { queryParameter } from './query-parameter.ts'
import {
  type CompiledText,
  compileExact,
  compilePart,
  compileRegexTest,
  compileStringMatcher,
  type TextTest,
} from './string-matcher.ts'

export interface Criterion {
  test(head: RequestHead): boolean
  /** Header that must have this among its values: what an index is made of. Null for every other kind. */
  readonly indexed: { readonly header: string; readonly value: string } | null
}

const HEADER_FIELDS = new Set([
  'name',
  'exact_match',
  'safe_regex_match',
  'range_match',
  'present_match',
  'prefix_match',
  'suffix_match',
  'contains_match',
  'string_match',
  'invert_match',
  'treat_missing_header_as_empty',
])

const EMPTY_MEANS_NOTHING: Readonly<Record<string, string>> = {
  prefixMatch: 'prefix_match',
  suffixMatch: 'suffix_match',
  containsMatch: 'contains_match',
}

export function compileHeaderMatcher(matcher: HeaderMatcher, path: string, check: ResourceCheck): Criterion {
  check.honour(HeaderMatcherSchema, matcher, path, HEADER_FIELDS)
  const name = matcher.name.toLowerCase()
  if (name === '') check.error(`${path}.name`, 'must not be empty')
  if (hasControl(name)) check.error(`${path}.name`, 'must not hold control characters')
  const invert = matcher.invertMatch
  const { headerMatchSpecifier: specifier } = matcher
  if (specifier.case === undefined || specifier.case === 'presentMatch') {
    const wanted = (specifier.case === undefined || specifier.value) !== invert
    const always = matcher.treatMissingHeaderAsEmpty
    return { test: head => (always || headValue(head, name) !== undefined) === wanted, indexed: null }
  }
  const part = EMPTY_MEANS_NOTHING[specifier.case]
  if (part !== undefined && specifier.value === '') check.error(`${path}.${part}`, 'must not be empty')
  const text = compileHeaderText(specifier, path, check)
  // A missing header matches nothing, inverted or not, unless it stands for an empty one.
  const missing = matcher.treatMissingHeaderAsEmpty && text.test('') !== invert
  const { test } = text
  return {
    test(head) {
      const passes = someHeadValue(head, name, test)
      return passes === undefined ? missing : passes !== invert
    },
    indexed: invert || missing || text.exact === null ? null : { header: name, value: text.exact },
  }
}

type HeaderSpecifier = Exclude<HeaderMatcher['headerMatchSpecifier'], { case: undefined } | { case: 'presentMatch' }>

function compileHeaderText(specifier: HeaderSpecifier, path: string, check: ResourceCheck): CompiledText {
  switch (specifier.case) {
    case 'stringMatch':
      return compileStringMatcher(specifier.value, `${path}.string_match`, check)
    case 'exactMatch':
      // The deprecated form takes an empty value for "any".
      return specifier.value === '' ? { test: () => true, exact: null } : compileExact(specifier.value, false)
    case 'prefixMatch':
      return { test: compilePart('prefix', specifier.value, false), exact: null }
    case 'suffixMatch':
      return { test: compilePart('suffix', specifier.value, false), exact: null }
    case 'containsMatch':
      return { test: compilePart('contains', specifier.value, false), exact: null }
    case 'safeRegexMatch':
      return compileRegexTest(specifier.value, `${path}.safe_regex_match`, check)
    case 'rangeMatch':
      return { test: compileRange(specifier.value.start, specifier.value.end), exact: null }
  }
}

/** [start, end) over whole decimal numbers; any other value is outside. */
function compileRange(start: bigint, end: bigint): TextTest {
  const low = Number(start)
  const high = Number(end)
  return text => {
    const negative = text.charCodeAt(0) === 45
    let value = 0
    let at = negative || text.charCodeAt(0) === 43 ? 1 : 0
    if (at === text.length || text.length > 20) return false
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - 48
      if (digit < 0 || digit > 9) return false
      value = value * 10 + digit
    }
    if (negative) value = -value
    return value >= low && value < high
  }
}

const MAX_QUERY_NAME = 1024
const QUERY_FIELDS = new Set(['name', 'string_match', 'present_match'])

export function compileQueryMatcher(matcher: QueryParameterMatcher, path: string, check: ResourceCheck): Criterion {
  check.honour(QueryParameterMatcherSchema, matcher, path, QUERY_FIELDS)
  if (matcher.name === '') check.error(`${path}.name`, 'must not be empty')
  if (matcher.name.length > MAX_QUERY_NAME) check.error(`${path}.name`, `is longer than ${MAX_QUERY_NAME} characters`)
  const name = matcher.name
  const { queryParameterMatchSpecifier: specifier } = matcher
  if (specifier.case === 'stringMatch') {
    const { test } = compileStringMatcher(specifier.value, `${path}.string_match`, check)
    return {
      test(head) {
        const value = queryParameter(head.path, name)
        return value !== null && test(value)
      },
      indexed: null,
    }
  }
  const wanted = specifier.case === undefined || specifier.value
  return { test: head => (queryParameter(head.path, name) !== null) === wanted, indexed: null }
}

/** RouteMatch.grpc: `application/grpc`, or that with a subtype. */
export const GRPC_CRITERION: Criterion = {
  test(head) {
    return isGrpcContentType(headValue(head, 'content-type'))
  },
  indexed: null,
}
