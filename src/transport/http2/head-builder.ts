// Decoded fields to a request's or response's head (RFC 9113 8): one pass that sorts pseudo-header fields out, joins
// cookies, and notes the first rule that is broken. The table goes on being decoded whatever is found here.

import { type HeaderList, removeHeader } from '../header-list.ts'
import { AUTHORITY, TARGET, TOKEN_LOWER } from '../http/character.ts'
import { FIELD, type FieldName, NOT_IN_TRAILERS } from '../http/field-name.ts'
import { parseContentLength } from '../http/framing.ts'
import type { RequestHead, ResponseHead } from '../request-head.ts'
import { DETAILS } from './error-code.ts'
import type { FieldSink } from './hpack/header-decoder.ts'
import { PSEUDO } from './hpack/pseudo-header.ts'
import type { Http2Settings } from './session-options.ts'

export const SECTION = { request: 0, response: 1, trailers: 2, discarded: 3 } as const

/** RFC 9113 8.2.2: belong to a connection of HTTP/1.1. */
const CONNECTION_FIELDS = FIELD.connection | FIELD.hopByHop | FIELD.transferEncoding | FIELD.upgrade
const WATCHED_FIELDS = CONNECTION_FIELDS | FIELD.te | FIELD.host | FIELD.contentLength
const UNKNOWN_LENGTH = -1

/** One for the process: a block is decoded without a call to anyone else. */
export class HeadBuilder implements FieldSink {
  /** Details of the first rule that was broken, empty: none. The message is malformed (RFC 9113 8.1.1). */
  violation = ''
  /** Details of the limit that was passed, empty: none. */
  overflow = ''
  /** Bits of FIELD that occurred. */
  fields = 0
  /** What content-length says, -1: nothing. */
  contentLength = UNKNOWN_LENGTH
  headers: HeaderList = []
  #section: number = SECTION.discarded
  #bytesLeft = 0
  #countLeft = 0
  /** Where the value of `cookie` stands in the list, 0: nowhere. */
  #cookieAt = 0
  #regularSeen = false
  #method = ''
  #scheme = ''
  #path = ''
  #authority = ''
  #protocol = ''
  #status = ''
  #host = ''
  /** Bits by PSEUDO. */
  #seen = 0
  // What was looked at last and found good: the same string comes again and again.
  #goodAuthority = ''
  #goodMethod = 'GET'

  begin(section: number, settings: Http2Settings): void {
    this.#section = section
    this.#bytesLeft = settings.maxHeaderListBytes
    this.#countLeft = settings.maxFieldCount
    this.violation = ''
    this.overflow = ''
    this.fields = 0
    this.contentLength = UNKNOWN_LENGTH
    this.headers = []
    this.#cookieAt = 0
    this.#regularSeen = false
    this.#method = this.#scheme = this.#path = this.#authority = this.#protocol = this.#status = this.#host = ''
    this.#seen = 0
  }

  onField(name: FieldName, value: string, isValid: boolean): void {
    if (this.#section === SECTION.discarded || this.overflow !== '') return
    const text = name.name
    this.#bytesLeft -= text.length + value.length
    if (--this.#countLeft < 0) {
      this.overflow = DETAILS.tooManyHeaders
      return
    }
    if (this.#bytesLeft < 0) {
      this.overflow = DETAILS.headersTooLarge
      return
    }
    if (!isValid) this.#violate(DETAILS.invalidField)
    const bit = name.bit
    if (bit < 0) {
      this.#onPseudo(bit, value)
      return
    }
    this.#regularSeen = true
    if ((bit & WATCHED_FIELDS) !== 0 && !this.#onWatched(bit, value)) return
    if (this.#section === SECTION.trailers && (bit & NOT_IN_TRAILERS) !== 0) return
    this.fields |= bit
    const headers = this.headers
    if (text === 'cookie') {
      // RFC 9113 8.2.3: crumbs were one field, and are one again before they go on.
      if (this.#cookieAt > 0) {
        headers[this.#cookieAt] += `; ${value}`
        return
      }
      this.#cookieAt = headers.length + 1
    }
    headers.push(text, value)
  }

  /** RFC 9113 8.3.1, 8.5; RFC 8441 4. Null when malformed: `violation` says why. */
  request(allowConnect: boolean): RequestHead | null {
    const method = this.#method
    if (method !== this.#goodMethod) {
      if (!isToken(method)) this.#violate(this.#has(PSEUDO.method) ? DETAILS.invalidField : DETAILS.messaging)
      else this.#goodMethod = method
    }
    const hasProtocol = this.#has(PSEUDO.protocol)
    if (hasProtocol && (method !== 'CONNECT' || !allowConnect || !isToken(this.#protocol))) {
      this.#violate(DETAILS.invalidField)
    }
    if (method === 'CONNECT' && !hasProtocol) {
      if (this.#has(PSEUDO.path) || this.#has(PSEUDO.scheme)) this.#violate(DETAILS.messaging)
    } else {
      if (!this.#has(PSEUDO.path) || !this.#has(PSEUDO.scheme)) this.#violate(DETAILS.messaging)
      else if (!isScheme(this.#scheme)) this.#violate(DETAILS.invalidField)
      else this.#checkPath(method)
    }
    if (method === 'CONNECT' && this.contentLength !== UNKNOWN_LENGTH) {
      // RFC 9110 9.3.6: a tunnel has no content; to whom it becomes an HTTP/1.1 request, the length would frame one.
      removeHeader(this.headers, 'content-length')
      this.contentLength = UNKNOWN_LENGTH
    }
    const authority = this.#authorityOrHost()
    if (this.violation !== '') return null
    return {
      method,
      path: this.#path,
      authority,
      scheme: this.#scheme,
      headers: this.headers,
      protocol: this.#protocol,
    }
  }

  /** RFC 9113 8.3.2. Null when malformed. */
  response(): ResponseHead | null {
    const status = statusOf(this.#status)
    // RFC 9113 8.6: there is no switching of protocols.
    if (status < 0 || status === 101) this.#violate(DETAILS.messaging)
    return this.violation === '' ? { status, headers: this.headers } : null
  }

  /** `:authority` stands above Host, as in Envoy; without either it is not known who is asked. */
  #authorityOrHost(): string {
    const authority = this.#has(PSEUDO.authority) ? this.#authority : this.#host
    if (authority === this.#goodAuthority && authority !== '') return authority
    if (authority === '') this.#violate(this.#has(PSEUDO.authority) ? DETAILS.invalidField : DETAILS.messaging)
    else if (!isAuthority(authority)) this.#violate(DETAILS.invalidField)
    else this.#goodAuthority = authority
    return authority
  }

  #onPseudo(bit: number, value: string): void {
    if (bit === PSEUDO.invalid) {
      this.#violate(DETAILS.invalidField)
      return
    }
    // RFC 9113 8.3: before all fields, once each, and those of the other kind of message not at all.
    const mask = 1 << -bit
    const isOfResponse = bit === PSEUDO.status
    if (
      this.#regularSeen ||
      bit === PSEUDO.unknown ||
      (this.#seen & mask) !== 0 ||
      this.#section !== (isOfResponse ? SECTION.response : SECTION.request)
    ) {
      this.#violate(DETAILS.invalidField)
      return
    }
    this.#seen |= mask
    if (bit === PSEUDO.path) this.#path = value
    else if (bit === PSEUDO.method) this.#method = value
    else if (bit === PSEUDO.authority) this.#authority = value
    else if (bit === PSEUDO.scheme) this.#scheme = value
    else if (bit === PSEUDO.status) this.#status = value
    else this.#protocol = value
  }

  /** False: the field does not go on. */
  #onWatched(bit: number, value: string): boolean {
    if ((bit & CONNECTION_FIELDS) !== 0) {
      this.#violate(DETAILS.invalidField)
      return false
    }
    if (bit === FIELD.te) {
      if (value === 'trailers') return true
      // The word is in any case (RFC 9110 10.1.4), and goes on in this one alone (Envoy).
      if (value.toLowerCase() !== 'trailers') this.#violate(DETAILS.invalidField)
      return false
    }
    if (bit === FIELD.host) {
      // RFC 9110 7.2: there is one.
      if ((this.fields & FIELD.host) !== 0) this.#violate(DETAILS.invalidField)
      this.#host = value
      this.fields |= FIELD.host
      return this.#section !== SECTION.request
    }
    // Twice is refused even when both say the same, as in Envoy.
    if (this.contentLength !== UNKNOWN_LENGTH) this.#violate(DETAILS.invalidField)
    this.contentLength = parseContentLength(value)
    if (this.contentLength < 0) this.#violate(DETAILS.invalidField)
    return true
  }

  /** Origin form, or `*` with OPTIONS. */
  #checkPath(method: string): void {
    const path = this.#path
    if (!hasPathCharacters(path)) this.#violate(DETAILS.invalidField)
    else if (path.charCodeAt(0) !== 0x2f && (path !== '*' || method !== 'OPTIONS')) this.#violate(DETAILS.messaging)
  }

  #has(pseudo: number): boolean {
    return (this.#seen & (1 << -pseudo)) !== 0
  }

  #violate(details: string): void {
    if (this.violation === '') this.violation = details
  }
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (TOKEN_LOWER[text.charCodeAt(i)] === 0) return false
  return text.length > 0
}

function isAuthority(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (AUTHORITY[text.charCodeAt(i)] !== 1) return false
  return true
}

/** RFC 3986 3.1. */
function isScheme(text: string): boolean {
  if (text === 'http' || text === 'https') return true
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const lower = code | 0x20
    const isLetter = lower >= 0x61 && lower <= 0x7a
    const isOther = (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e
    if (!isLetter && (i === 0 || !isOther)) return false
  }
  return text.length > 0
}

/** Bytes beyond ASCII pass, as in Envoy. */
function hasPathCharacters(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (TARGET[code] !== 1 && code < 0x80) return false
  }
  return text !== ''
}

/** Three digits from 100, or -1. */
function statusOf(text: string): number {
  if (text === '200') return 200
  if (text.length !== 3) return -1
  const hundreds = text.charCodeAt(0) - 48
  const tens = text.charCodeAt(1) - 48
  const ones = text.charCodeAt(2) - 48
  if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1
  return hundreds * 100 + tens * 10 + ones
}
