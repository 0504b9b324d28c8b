// How a proxy describes a request for a RateLimit's rule: the rule itself, where the request is one of its, and its keys.
import { create } from '@bufbuild/protobuf'
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { RateLimitKey, RateLimitMatch, RateLimitRule } from '../../model/rate-limit.ts'
import type { StringMatch } from '../../model/string-match.ts'
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type RateLimit_Action,
  RateLimit_Action_MetaData_Source,
  RateLimit_ActionSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { rateLimitEntries, rateLimitKeyName } from '../link/rate-limits.ts'
import { JWT_FILTER, jwtPath } from './jwt-metadata.ts'
import { headerMatcher } from './route-match.ts'

export function rateLimitActions(limit: ConfigObjectOf<'RateLimit'>, rule: RateLimitRule): RateLimit_Action[] {
  const [name] = rateLimitEntries(limit, rule, [])
  const entry = { descriptorKey: name!.key, descriptorValue: name!.value }
  const headers = rule.match ? matchers(rule.match) : []
  const first = create(RateLimit_ActionSchema, {
    actionSpecifier:
      headers.length === 0
        ? { case: 'genericKey', value: entry }
        : { case: 'headerValueMatch', value: { ...entry, headers } },
  })
  return [first, ...rule.by.map(keyAction)]
}

function keyAction(key: RateLimitKey): RateLimit_Action {
  if (key.kind === 'header')
    return create(RateLimit_ActionSchema, {
      actionSpecifier: {
        case: 'requestHeaders',
        value: { headerName: key.name, descriptorKey: rateLimitKeyName(key) },
      },
    })
  if (key.kind === 'claim')
    return create(RateLimit_ActionSchema, {
      actionSpecifier: {
        case: 'metadata',
        value: {
          descriptorKey: rateLimitKeyName(key),
          metadataKey: { key: JWT_FILTER, path: jwtPath(key.path) },
          source: RateLimit_Action_MetaData_Source.DYNAMIC,
        },
      },
    })
  const { network } = key
  return create(RateLimit_ActionSchema, {
    actionSpecifier: network
      ? {
          case: 'maskedRemoteAddress',
          value: { v4PrefixMaskLen: network.v4Bits, v6PrefixMaskLen: network.v6Bits },
        }
      : { case: 'remoteAddress', value: {} },
  })
}

function matchers({ hosts, path, method, headers }: RateLimitMatch): HeaderMatcher[] {
  return [
    ...(hosts.length > 0 ? [regexMatcher(':authority', hosts.map(hostPattern).join('|'))] : []),
    ...(path ? [pathMatcher(path)] : []),
    ...(method ? [headerMatcher(':method', method, false)] : []),
    ...Object.entries(headers).map(([name, value]) => headerMatcher(name, value, false)),
  ]
}

/** The header holds the query, which a rule does not look at. */
function pathMatcher(path: StringMatch): HeaderMatcher {
  if (path.kind === 'exact') return regexMatcher(':path', `${escaped(path.value)}(\\?.*)?`)
  if (path.kind === 'regex') return regexMatcher(':path', `(${path.value})(\\?.*)?`)
  return headerMatcher(':path', path, false)
}

/** With or without a port; names are compared without regard to case (RFC 9110 4.2.3). */
function hostPattern(host: string): string {
  const name = host.startsWith('*.') ? `[^:]+${escaped(host.slice(1))}` : escaped(host)
  return `((?i:${name})(:[0-9]+)?)`
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function regexMatcher(name: string, regex: string): HeaderMatcher {
  return create(HeaderMatcherSchema, {
    name,
    headerMatchSpecifier: {
      case: 'stringMatch',
      value: { matchPattern: { case: 'safeRegex', value: { regex } } },
    },
  })
}
