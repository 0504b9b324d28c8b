// Requests out of bytes (RFC 9112 3, 6.3), strict: what two parsers could read in two ways is refused.
import type { HeaderList } from '../header-list.ts'
import { CR, LF, SPACE, TARGET } from '../http/character.ts'
import { FIELD, fieldBit } from '../http/field-name.ts'
import { hasToken, parseContentLength } from '../http/framing.ts'
import { latin1 } from '../http/latin1.ts'
import { isTunnel, type RequestHead } from '../request-head.ts'
import { hasPort, isAuthority, setAbsoluteForm } from './absolute-form.ts'
import { CODEC_ERROR, type CodecError } from './codec-error.ts'
import { INCOMPLETE } from './field-parser.ts'
import { CHUNKED, fieldParser, MessageParser, UNTIL_CLOSE } from './message-parser.ts'

/** Envoy's parser takes these and no others unless allow_custom_methods is set. */
const METHODS = new Set(
  (
    'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND ' +
    'UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK ' +
    'UNLINK SOURCE'
  ).split(' '),
)
const LONGEST_METHOD = 11

/** What is known of the connection's own fields; they are not in the head's list. */
const OWN_FIELDS = FIELD.host | FIELD.connection | FIELD.hopByHop | FIELD.transferEncoding | FIELD.te | FIELD.upgrade

export class RequestParser extends MessageParser {
  protected override readonly skipsEmptyLines = true
  /** Its scheme is empty unless the target named one: the connection manager knows better. */
  head: RequestHead = { method: '', path: '', authority: '', scheme: '', protocol: '', headers: [] }
  /** Bits of FIELD: what occurred, the connection's own fields included. */
  fields = 0
  /** 10 or 11. */
  version = 11
  /** The client asked for the connection to be closed after the response. */
  close = false
  /** HTTP/1.1 demands a Host; the connection manager answers for its absence. */
  missingHost = false

  /** A new head for each request: streams outlive the parse. */
  protected parseHead(bytes: Buffer, from: number): number {
    const end = bytes.length
    let pos = from
    while (pos < end && bytes[pos] !== SPACE) {
      const byte = bytes[pos]!
      if (pos - from >= LONGEST_METHOD || !((byte >= 0x41 && byte <= 0x5a) || byte === 0x2d)) {
        return this.refuse(CODEC_ERROR.syntax)
      }
      pos++
    }
    if (pos >= end) return INCOMPLETE
    const methodEnd = pos++
    const targetStart = pos
    while (pos < end && TARGET[bytes[pos]!] === 1) pos++
    if (pos >= end) return INCOMPLETE
    const targetEnd = pos
    if (bytes[pos] !== SPACE || targetEnd === targetStart) return this.refuse(CODEC_ERROR.syntax)
    pos = this.#parseVersion(bytes, pos + 1)
    if (pos < 0) return pos
    const after = fieldParser.parse(bytes, pos, this.limits.maxFieldCount)
    if (after === INCOMPLETE) return INCOMPLETE
    if (after < 0) return this.refuse(fieldParser.error)
    const text = latin1(bytes, from, after)
    return this.#complete(text, methodEnd - from, targetStart - from, targetEnd - from, from) ?? after
  }

  /** `HTTP/1.x` CRLF. A higher minor version is spoken to as 1.1 (RFC 9110 2.5). */
  #parseVersion(bytes: Buffer, from: number): number {
    if (from + 10 > bytes.length) return INCOMPLETE
    const minor = bytes[from + 7]! - 48
    if (
      bytes[from] !== 0x48 ||
      bytes[from + 1] !== 0x54 ||
      bytes[from + 2] !== 0x54 ||
      bytes[from + 3] !== 0x50 ||
      bytes[from + 4] !== 0x2f ||
      bytes[from + 5] !== 0x31 ||
      bytes[from + 6] !== 0x2e ||
      minor < 0 ||
      minor > 9 ||
      bytes[from + 8] !== CR ||
      bytes[from + 9] !== LF
    ) {
      return this.refuse(CODEC_ERROR.syntax)
    }
    this.version = minor === 0 ? 10 : 11
    return from + 10
  }

  /** Makes the head; null, or REFUSED. */
  #complete(text: string, methodEnd: number, targetStart: number, targetEnd: number, base: number): number | null {
    const method = methodName(text, methodEnd)
    if (method === '') return this.refuse(CODEC_ERROR.syntax)
    const headers: HeaderList = []
    const fields = fieldParser.collect(headers, text, base, OWN_FIELDS)
    const head: RequestHead = { method, path: '', authority: '', scheme: '', protocol: '', headers }
    if (this.limits.keepsSpelling) head.spelling = fieldParser.spelling(text, base)
    this.head = head
    this.fields = fields
    this.close = this.version === 10
    this.missingHost = (fields & FIELD.host) === 0
    const own = fields & OWN_FIELDS
    if (own !== 0) {
      const error = this.#readOwnFields(text, base, own)
      if (error !== null) return this.refuse(error)
    }
    const error = setTarget(head, text.substring(targetStart, targetEnd))
    if (error !== null) return this.refuse(error)
    if (head.authority !== '') this.missingHost = false
    return this.#setFraming(headers, fields)
  }

  /** Host, connection and its kin: read, acted on, and not passed on (RFC 9110 7.6.1). */
  #readOwnFields(text: string, base: number, own: number): CodecError | null {
    let hosts = 0
    let connection = ''
    let upgrade = ''
    let isLast = false
    for (let i = 0; i < fieldParser.count; i++) {
      const { name, bit } = fieldParser.name(i)
      if ((bit & OWN_FIELDS) === 0) continue
      const value = fieldParser.value(i, text, base)
      if (bit === FIELD.host) {
        // RFC 9112 3.2: more than one Host, or one that is no authority, must be answered with 400.
        if (++hosts > 1) return CODEC_ERROR.syntax
        if (!isAuthority(value)) return CODEC_ERROR.invalidAuthority
        this.head.authority = value
      } else if (bit === FIELD.connection) connection = connection === '' ? value : `${connection},${value}`
      else if (bit === FIELD.te && hasToken(value, 'trailers')) this.head.headers.push('te', 'trailers')
      else if (bit === FIELD.upgrade) upgrade = value
      // No field of HTTP's own, but old clients mean it (Envoy).
      else if (name === 'proxy-connection') isLast ||= hasToken(value, 'close')
      else if (name === 'transfer-encoding' && this.#isChunked(value, own)) own |= CHUNKED_SEEN
      else if (name === 'transfer-encoding') return CODEC_ERROR.invalidTransferEncoding
    }
    const error = connection === '' ? null : this.#readConnection(connection, upgrade)
    if (isLast) this.close = true
    return error
  }

  /** Only `chunked`, only once, only in HTTP/1.1: any other coding cannot be passed on unread. */
  #isChunked(value: string, own: number): boolean {
    return (
      this.version === 11 && (own & CHUNKED_SEEN) === 0 && (value === 'chunked' || value.toLowerCase() === 'chunked')
    )
  }

  #readConnection(connection: string, upgrade: string): CodecError | null {
    if (connection === 'keep-alive' || connection === 'Keep-Alive') {
      this.close = false
      return null
    }
    if (connection === 'close') {
      this.close = true
      return null
    }
    let upgrades = false
    const tokens = connection.toLowerCase().split(',', MAX_CONNECTION_TOKENS + 1)
    if (tokens.length > MAX_CONNECTION_TOKENS) return CODEC_ERROR.connectionHeader
    for (const part of tokens) {
      const token = part.trim()
      if (token === 'close') this.close = true
      else if (token === 'keep-alive') this.close = false
      else if (token === 'upgrade') upgrades = true
      else if (token === 'host' || token.startsWith('x-forwarded-') || token === 'content-length') {
        // A client that has the proxy strip what the proxy's peers trust.
        return CODEC_ERROR.connectionHeader
      } else if (token !== '' && token !== 'te') {
        dropField(this.head.headers, token)
        this.fields &= ~fieldBit(token)
      }
    }
    // RFC 9113 3.1: the upgrade to HTTP/2 is obsolete; it is passed over, as Envoy does. RFC 9110 7.8: so is HTTP/1.0's.
    if (upgrades && this.version === 11 && upgrade !== '' && upgrade.toLowerCase() !== 'h2c') {
      this.head.protocol = upgrade
      this.head.headers.push('connection', connection, 'upgrade', upgrade)
    }
    return null
  }

  #setFraming(headers: HeaderList, fields: number): number | null {
    const framing = fields & (FIELD.contentLength | FIELD.transferEncoding)
    const tunnels = isTunnel(this.head)
    if (framing === 0) {
      // What follows belongs to whatever the tunnel leads to, until the connection ends.
      this.frame(tunnels ? UNTIL_CLOSE : 0)
      return null
    }
    if (framing === FIELD.transferEncoding) {
      if (this.head.method === 'CONNECT') return this.refuse(CODEC_ERROR.invalidTransferEncoding)
      if (tunnels) return this.refuse(CODEC_ERROR.transferEncodingNotAllowed)
      this.frame(CHUNKED)
      return null
    }
    if (framing !== FIELD.contentLength) return this.refuse(CODEC_ERROR.chunkedAndContentLength)
    let length = -1
    for (let i = 0; i < headers.length; i += 2) {
      if (headers[i] !== 'content-length') continue
      if (length >= 0) return this.refuse(CODEC_ERROR.syntax)
      length = parseContentLength(headers[i + 1]!)
      if (length < 0) return this.refuse(CODEC_ERROR.syntax)
    }
    // RFC 9110 9.3.6: content in a CONNECT has no meaning, and is the means of an attack (Envoy).
    if (tunnels && length > 0) return this.refuse(CODEC_ERROR.bodyDisallowed)
    this.frame(tunnels ? UNTIL_CLOSE : length)
    return null
  }
}

/** Envoy's bound on what Connection may nominate: each costs a search of all fields. */
const MAX_CONNECTION_TOKENS = 10

/** Beyond FIELD's bits: a transfer-encoding was read already. */
const CHUNKED_SEEN = 1 << 30

function dropField(headers: HeaderList, name: string): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) if (headers[i] === name) headers.splice(i, 2)
}

/** The constant for the method, empty for one that is not known. */
function methodName(text: string, end: number): string {
  if (end === 3) {
    if (text.startsWith('GET')) return 'GET'
    if (text.startsWith('PUT')) return 'PUT'
  } else if (end === 4) {
    if (text.startsWith('POST')) return 'POST'
    if (text.startsWith('HEAD')) return 'HEAD'
  }
  const method = text.substring(0, end)
  return METHODS.has(method) ? method : ''
}

/** The four forms of RFC 9112 3.2. The authority of an absolute form stands above Host (3.2.2). */
function setTarget(head: RequestHead, target: string): CodecError | null {
  if (target.charCodeAt(0) === 0x2f && head.method !== 'CONNECT') {
    head.path = target
    return null
  }
  if (head.method === 'CONNECT') {
    if (!isAuthority(target) || !hasPort(target)) return CODEC_ERROR.invalidUrl
    head.authority = target
    return null
  }
  if (target === '*' && head.method === 'OPTIONS') {
    head.path = target
    return null
  }
  return setAbsoluteForm(head, target)
}
