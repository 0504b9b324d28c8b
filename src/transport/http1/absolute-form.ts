// The absolute form of a request's target (RFC 9112 3.2.2), which Location has, too.

import { AUTHORITY } from '../http/character.ts'
import type { RequestHead } from '../request-head.ts'
import { CODEC_ERROR, type CodecError } from './codec-error.ts'

/** Scheme, authority and path of `target`, whose bytes are allowed in one. */
export function setAbsoluteForm(head: RequestHead, target: string): CodecError | null {
  const start = target.indexOf('://')
  const scheme = start < 0 ? '' : target.substring(0, start).toLowerCase()
  // Envoy's parser takes the asterisk for a target, and then finds no URL in it.
  if (start < 0) return target === '*' ? CODEC_ERROR.invalidUrl : CODEC_ERROR.syntax
  if (scheme !== 'http' && scheme !== 'https') return CODEC_ERROR.invalidScheme
  let end = start + 3
  while (end < target.length && !isAuthorityEnd(target.charCodeAt(end))) end++
  const authority = target.substring(start + 3, end)
  if (authority === '' || !isAuthority(authority) || hasBadPort(authority)) return CODEC_ERROR.invalidUrl
  head.scheme = scheme
  head.authority = authority
  const rest = target.substring(end)
  head.path = rest.charCodeAt(0) === 0x2f ? rest : `/${rest}`
  return null
}

export function isAuthority(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (AUTHORITY[value.charCodeAt(i)] !== 1) return false
  return true
}

/** RFC 9110 9.3.6: CONNECT names host and port. */
export function hasPort(authority: string): boolean {
  return portColon(authority) >= 0 && !hasBadPort(authority)
}

function hasBadPort(authority: string): boolean {
  const colon = portColon(authority)
  if (colon < 0) return false
  let port = 0
  for (let i = colon + 1; i < authority.length; i++) {
    const digit = authority.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return true
    port = port * 10 + digit
  }
  return port > 65_535
}

/** Not one inside the brackets of an IPv6 address. */
function portColon(authority: string): number {
  const colon = authority.lastIndexOf(':')
  return colon > authority.lastIndexOf(']') ? colon : -1
}

function isAuthorityEnd(code: number): boolean {
  return code === 0x2f || code === 0x3f || code === 0x23
}
