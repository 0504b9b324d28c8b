// match_typed_subject_alt_names, compiled (Envoy: extensions/transport_sockets/tls/cert_validator/san_matcher.cc).
import { compileRegex } from '../../automata/regex.ts'
import type { SanMatcher } from '../../transport/tls/peer-verification.ts'
import type { SubjectAltNames } from '../../transport/tls/subject-alt-names.ts'
import {
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcher,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/common_pb.ts'
import type { StringMatcher } from '../../xds/generated/envoy/type/matcher/v3/string_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

type NameTest = (name: string) => boolean

/** Null when it cannot be compiled; why not is in `check`. */
export function compileSanMatcher(
  matcher: SubjectAltNameMatcher,
  path: string,
  check: ResourceCheck,
): SanMatcher | null {
  if (!matcher.matcher) {
    check.error(`${path}.matcher`, 'is required')
    return null
  }
  const test = compileNameTest(matcher.matcher, `${path}.matcher`, check)
  if (!test) return null
  const exact = matcher.matcher.matchPattern.case === 'exact' ? matcher.matcher.matchPattern.value : null
  switch (matcher.sanType) {
    case SanType.URI:
      return names => names.uris.some(test)
    case SanType.DNS:
      // Envoy lets a wildcard certificate satisfy an exact DNS matcher, one label deep.
      if (exact !== null)
        return names => names.dnsNames.some(name => dnsNameMatches(name.toLowerCase(), exact.toLowerCase()))
      return names => names.dnsNames.some(test)
    case SanType.EMAIL:
      return names => names.emails.some(test)
    case SanType.IP_ADDRESS:
      return names => names.ipAddresses.some(test)
    default:
      check.unsupported(`${path}.san_type`)
      return null
  }
}

/** Any name of the certificate, as it is; a DNS name also by a wildcard (Envoy's verifySubjectAltName). */
export function nameMatcher(wanted: string): SanMatcher {
  const lower = wanted.toLowerCase()
  return ({ dnsNames, uris, ipAddresses }) =>
    dnsNames.some(name => dnsNameMatches(name.toLowerCase(), lower)) ||
    uris.includes(wanted) ||
    ipAddresses.includes(wanted)
}

/** The deprecated match_subject_alt_names: any kind of name. */
export function compileUntypedSanMatcher(
  matcher: StringMatcher,
  path: string,
  check: ResourceCheck,
): SanMatcher | null {
  const test = compileNameTest(matcher, path, check)
  return (
    test &&
    ((names: SubjectAltNames) =>
      [names.uris, names.dnsNames, names.emails, names.ipAddresses].some(kind => kind.some(test)))
  )
}

function compileNameTest(matcher: StringMatcher, path: string, check: ResourceCheck): NameTest | null {
  const pattern = matcher.matchPattern
  const fold = matcher.ignoreCase ? (text: string) => text.toLowerCase() : (text: string) => text
  switch (pattern.case) {
    case 'exact': {
      const wanted = fold(pattern.value)
      return name => fold(name) === wanted
    }
    case 'prefix': {
      const wanted = fold(pattern.value)
      return name => fold(name).startsWith(wanted)
    }
    case 'suffix': {
      const wanted = fold(pattern.value)
      return name => fold(name).endsWith(wanted)
    }
    case 'contains': {
      const wanted = fold(pattern.value)
      return name => fold(name).includes(wanted)
    }
    case 'safeRegex': {
      if (matcher.ignoreCase) check.error(`${path}.ignore_case`, 'has no effect on safe_regex: write (?i) in the regex')
      const regex = compileRegex(pattern.value.regex)
      if (regex.ok) return name => regex.value.matches(name)
      check.adopt(`${path}.safe_regex.regex`, regex.problems)
      return null
    }
    default:
      check.unsupported(`${path}.match_pattern`)
      return null
  }
}

function dnsNameMatches(certificateName: string, wanted: string): boolean {
  if (certificateName === wanted) return true
  if (!certificateName.startsWith('*.')) return false
  const dot = wanted.indexOf('.')
  return dot > 0 && wanted.slice(dot) === certificateName.slice(1)
}
