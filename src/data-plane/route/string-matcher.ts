// Envoy's StringMatcher over values as the wire has them: one character for each byte.
import { compileRegex, type Regex, toByteString } from '../../automata/regex.ts'
import type { RegexMatcher } from '../../xds/generated/envoy/type/matcher/v3/regex_pb.ts'
import { type StringMatcher, StringMatcherSchema } from '../../xds/generated/envoy/type/matcher/v3/string_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

export type TextTest = (value: string) => boolean

export interface CompiledText {
  readonly test: TextTest
  /** The one value that passes, where there is but one: an index can be made of it. */
  readonly exact: string | null
}

const NEVER: CompiledText = { test: () => false, exact: null }
const STRING_FIELDS = new Set(['exact', 'prefix', 'suffix', 'contains', 'safe_regex', 'ignore_case'])

export function compileStringMatcher(matcher: StringMatcher, path: string, check: ResourceCheck): CompiledText {
  check.honour(StringMatcherSchema, matcher, path, STRING_FIELDS)
  const { matchPattern: pattern, ignoreCase } = matcher
  switch (pattern.case) {
    case 'exact':
      return compileExact(pattern.value, ignoreCase)
    case 'prefix':
    case 'suffix':
    case 'contains':
      if (pattern.value === '') check.error(`${path}.${pattern.case}`, 'must not be empty')
      return { test: compilePart(pattern.case, pattern.value, ignoreCase), exact: null }
    case 'safeRegex':
      // Envoy refuses it, too.
      if (ignoreCase) check.error(`${path}.ignore_case`, 'has no effect on safe_regex: write (?i) in the regex')
      return compileRegexTest(pattern.value, `${path}.safe_regex`, check)
    case 'custom':
      return NEVER
    default:
      check.error(path, 'needs a pattern')
      return NEVER
  }
}

export function compileExact(value: string, ignoreCase: boolean): CompiledText {
  const wanted = toByteString(value)
  if (!ignoreCase) return { test: text => text === wanted, exact: wanted }
  const lower = asciiLower(wanted)
  return { test: text => text.length === lower.length && asciiLower(text) === lower, exact: null }
}

export function compilePart(kind: 'prefix' | 'suffix' | 'contains', value: string, ignoreCase: boolean): TextTest {
  const wanted = ignoreCase ? asciiLower(toByteString(value)) : toByteString(value)
  const fold = ignoreCase ? asciiLower : same
  if (kind === 'prefix') return text => fold(text).startsWith(wanted)
  if (kind === 'suffix') return text => fold(text).endsWith(wanted)
  return text => fold(text).includes(wanted)
}

export function compileRegexTest(matcher: RegexMatcher, path: string, check: ResourceCheck): CompiledText {
  const regex = compileRegexField(matcher, path, check)
  return regex === null ? NEVER : { test: text => regex.matchesBytes(text), exact: null }
}

/** Null after a problem was reported. */
export function compileRegexField(matcher: RegexMatcher | undefined, path: string, check: ResourceCheck): Regex | null {
  if (matcher === undefined || matcher.regex === '') {
    check.error(`${path}.regex`, 'must not be empty')
    return null
  }
  const compiled = compileRegex(matcher.regex)
  if (compiled.ok) return compiled.value
  check.adopt(`${path}.regex`, compiled.problems)
  return null
}

function same(text: string): string {
  return text
}

/** Lower case of ASCII letters only, as Envoy compares; the same string when there is nothing to do. */
export function asciiLower(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 65 && unit <= 90) return foldFrom(text, i)
  }
  return text
}

function foldFrom(text: string, first: number): string {
  let folded = text.slice(0, first)
  for (let i = first; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    folded += unit >= 65 && unit <= 90 ? String.fromCharCode(unit + 32) : text[i]
  }
  return folded
}
