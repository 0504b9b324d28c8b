// What config asks of a response: Envoy's HeaderMatcher for a head that has a status and fields, and MatchPredicate over it.
import type { ResponseHead } from '../../transport/request-head.ts'
import {
  type MatchPredicate,
  MatchPredicateSchema,
} from '../../xds/generated/envoy/config/common/matcher/v3/matcher_pb.ts'
import type { HeaderMatcher } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { compileHeaderMatcher } from './criterion.ts'

export interface ResponseCriterion {
  test(head: ResponseHead): boolean
}

const STATUS = ':status'
const MAX_STATUS = 999
const PREDICATES = new Set(['or_match', 'and_match', 'not_match', 'any_match', 'http_response_headers_match'])

export function compileResponseMatcher(matcher: HeaderMatcher, path: string, check: ResourceCheck): ResponseCriterion {
  const isStatus = matcher.name === STATUS
  if ((matcher.name.startsWith(':') && !isStatus) || matcher.name.toLowerCase() === 'host')
    check.unsupported(`${path}.name`, 'is no field of a response')
  const criterion = compileHeaderMatcher(isStatus ? { ...matcher, name: 'status' } : matcher, path, check)
  const matches = (headers: string[]): boolean =>
    criterion.test({ method: '', path: '', authority: '', scheme: '', protocol: '', headers })
  if (!isStatus) return { test: ({ headers }) => matches(headers) }
  const statuses = Array.from({ length: MAX_STATUS + 1 }, (_, status) => matches(['status', String(status)]))
  return { test: ({ status }) => statuses[status] === true }
}

export function compileResponsePredicate(
  predicate: MatchPredicate,
  path: string,
  check: ResourceCheck,
): ResponseCriterion {
  check.honour(MatchPredicateSchema, predicate, path, PREDICATES)
  const { rule } = predicate
  const all = (rules: readonly MatchPredicate[], at: string): readonly ResponseCriterion[] => {
    if (rules.length < 2) check.error(`${at}.rules`, 'needs two rules at least')
    return rules.map((one, i) => compileResponsePredicate(one, `${at}.rules[${i}]`, check))
  }
  switch (rule.case) {
    case 'orMatch':
      return anyOf(all(rule.value.rules, `${path}.or_match`))
    case 'andMatch':
      return allOf(all(rule.value.rules, `${path}.and_match`))
    case 'notMatch': {
      const inner = compileResponsePredicate(rule.value, `${path}.not_match`, check)
      return { test: head => !inner.test(head) }
    }
    case 'httpResponseHeadersMatch': {
      const at = `${path}.http_response_headers_match`
      return allOf(rule.value.headers.map((one, i) => compileResponseMatcher(one, `${at}.headers[${i}]`, check)))
    }
    default:
      if (rule.case === undefined) check.error(path, 'needs a rule')
      if (rule.case === 'anyMatch' && !rule.value) check.error(`${path}.any_match`, 'must be true')
      return { test: () => true }
  }
}

function anyOf(criteria: readonly ResponseCriterion[]): ResponseCriterion {
  return { test: head => isSome(criteria, head, true) }
}

function allOf(criteria: readonly ResponseCriterion[]): ResponseCriterion {
  return { test: head => !isSome(criteria, head, false) }
}

function isSome(criteria: readonly ResponseCriterion[], head: ResponseHead, wanted: boolean): boolean {
  for (let i = 0; i < criteria.length; i++) if (criteria[i]!.test(head) === wanted) return true
  return false
}
