// Responses out of bytes (RFC 9112 4, 6.3).
import { type HeaderList, removeHeader } from '../header-list.ts'
import { CR, FIELD_VALUE, LF, SPACE } from '../http/character.ts'
import { FIELD } from '../http/field-name.ts'
import { hasToken, parseContentLength } from '../http/framing.ts'
import { latin1 } from '../http/latin1.ts'
import type { ResponseHead } from '../request-head.ts'
import { CODEC_ERROR, type CodecError } from './codec-error.ts'
import { INCOMPLETE } from './field-parser.ts'
import { CHUNKED, fieldParser, MessageParser, UNTIL_CLOSE } from './message-parser.ts'

const OWN_FIELDS = FIELD.connection | FIELD.hopByHop | FIELD.transferEncoding | FIELD.upgrade

export class ResponseParser extends MessageParser {
  head: ResponseHead = { status: 0, headers: [] }
  /** Bits of FIELD: what occurred, the connection's own fields included. */
  fields = 0
  /** The server will close the connection after this response. */
  close = false
  /** It says so itself: by Connection, or by being HTTP/1.0. */
  saysClose = false
  /** What `Keep-Alive: timeout` of the last response says, milliseconds; -1 when it said nothing. */
  keepAliveMs = -1
  #keepAlive = ''
  /** Set with each request: a response to HEAD has no body whatever its fields say. */
  toHead = false
  /** Set with each request: a response that agrees (101 to an upgrade, 2xx to CONNECT) opens a tunnel. */
  toUpgrade = false
  toConnect = false

  protected parseHead(bytes: Buffer, from: number): number {
    const end = bytes.length
    // `HTTP/1.1 200` and what follows it: a space and a reason, or the line's end at once, as many servers send it.
    if (from + 13 > end) return this.#looksLikeHttp(bytes, from) ? INCOMPLETE : this.refuse(CODEC_ERROR.syntax)
    if (!this.#looksLikeHttp(bytes, from)) return this.refuse(CODEC_ERROR.syntax)
    const minor = bytes[from + 7]! - 48
    const hundreds = bytes[from + 9]! - 48
    const tens = bytes[from + 10]! - 48
    const ones = bytes[from + 11]! - 48
    if (minor < 0 || minor > 9 || bytes[from + 8] !== SPACE) return this.refuse(CODEC_ERROR.syntax)
    if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) {
      return this.refuse(CODEC_ERROR.syntax)
    }
    let pos = from + 12
    if (bytes[pos] !== SPACE && bytes[pos] !== CR) return this.refuse(CODEC_ERROR.syntax)
    while (pos < end && FIELD_VALUE[bytes[pos]!] === 1) pos++
    if (pos + 1 >= end) return pos < end && bytes[pos] !== CR ? this.refuse(CODEC_ERROR.syntax) : INCOMPLETE
    if (bytes[pos] !== CR || bytes[pos + 1] !== LF) return this.refuse(CODEC_ERROR.syntax)
    const base = pos + 2
    const after = fieldParser.parse(bytes, base, this.limits.maxFieldCount)
    if (after === INCOMPLETE) return INCOMPLETE
    if (after < 0) return this.refuse(fieldParser.error)
    const text = latin1(bytes, base, after)
    return this.#complete(hundreds * 100 + tens * 10 + ones, minor === 0, text, base) ?? after
  }

  #looksLikeHttp(bytes: Buffer, from: number): boolean {
    const length = Math.min(7, bytes.length - from)
    for (let i = 0; i < length; i++) if (bytes[from + i] !== VERSION[i]) return false
    return true
  }

  #complete(status: number, http10: boolean, text: string, base: number): number | null {
    const headers: HeaderList = []
    const fields = fieldParser.collect(headers, text, base, OWN_FIELDS)
    this.head = { status, headers }
    if (this.limits.keepsSpelling) this.head.spelling = fieldParser.spelling(text, base)
    this.fields = fields
    this.close = http10
    if (fields & (FIELD.connection | FIELD.hopByHop)) this.#readConnection(text, base, http10)
    this.saysClose = this.close
    if (fields & FIELD.transferEncoding && !this.#isChunked(text, base)) {
      return this.refuse(CODEC_ERROR.invalidTransferEncoding)
    }
    // RFC 9112 6.1: HTTP/1.0 does not know chunks; what comes behind them is not to be believed.
    if (http10 && fields & FIELD.transferEncoding) this.close = true
    if (this.#opensTunnel(status)) {
      if (status === 101) {
        const error = framingError(headers, fields)
        if (error !== null) return this.refuse(error)
        this.#keepUpgrade(headers, text, base)
      }
      // RFC 9110 9.3.6: it says nothing here, and whoever believed it would end the tunnel by it.
      if (fields & FIELD.contentLength) removeHeader(headers, 'content-length')
      this.close = true
      this.frame(UNTIL_CLOSE)
      return null
    }
    return this.#setFraming(status, headers, fields)
  }

  /** What is read is not HTTP any more. */
  get inTunnel(): boolean {
    return !this.inHead && this.#opensTunnel(this.head.status)
  }

  #opensTunnel(status: number): boolean {
    return (this.toUpgrade && status === 101) || (this.toConnect && status >= 200 && status < 300)
  }

  /** The client is to see what was agreed on (RFC 9110 7.8). */
  #keepUpgrade(headers: HeaderList, text: string, base: number): void {
    headers.push('connection', 'upgrade')
    for (let i = 0; i < fieldParser.count; i++) {
      if (fieldParser.name(i).bit === FIELD.upgrade) headers.push('upgrade', fieldParser.value(i, text, base))
    }
  }

  #readConnection(text: string, base: number, http10: boolean): void {
    let isLast = false
    for (let i = 0; i < fieldParser.count; i++) {
      const { name, bit } = fieldParser.name(i)
      if (name === 'keep-alive') this.#readKeepAlive(fieldParser.value(i, text, base))
      else if (name === 'proxy-connection') isLast ||= hasToken(fieldParser.value(i, text, base), 'close')
      if (bit !== FIELD.connection) continue
      const value = fieldParser.value(i, text, base)
      if (value === 'keep-alive' || value === 'Keep-Alive') this.close = false
      else if (hasToken(value, 'close')) this.close = true
      else if (http10 && hasToken(value, 'keep-alive')) this.close = false
    }
    if (isLast) this.close = true
  }

  /** RFC 2068 19.7.1.1, and what servers make of it: `timeout=5, max=100`. */
  #readKeepAlive(value: string): void {
    // A server says the same each time.
    if (value === this.#keepAlive) return
    this.#keepAlive = value
    this.keepAliveMs = -1
    for (const part of value.split(',', 4)) {
      const equals = part.indexOf('=')
      if (equals < 0 || part.substring(0, equals).trim().toLowerCase() !== 'timeout') continue
      const seconds = parseContentLength(part.substring(equals + 1).trim())
      if (seconds >= 0) this.keepAliveMs = seconds * 1000
    }
  }

  #isChunked(text: string, base: number): boolean {
    let count = 0
    for (let i = 0; i < fieldParser.count; i++) {
      if (fieldParser.name(i).bit !== FIELD.transferEncoding) continue
      const value = fieldParser.value(i, text, base)
      if (++count > 1 || (value !== 'chunked' && value.toLowerCase() !== 'chunked')) return false
    }
    return true
  }

  #setFraming(status: number, headers: HeaderList, fields: number): number | null {
    const framing = fields & (FIELD.contentLength | FIELD.transferEncoding)
    if (status < 200 || status === 204) {
      const error = framingError(headers, fields)
      if (error !== null) return this.refuse(error)
      if (framing !== 0) removeHeader(headers, 'content-length')
      this.frame(0)
      return null
    }
    const length = framing & FIELD.contentLength ? contentLengthOf(headers) : -1
    if (framing & FIELD.contentLength && length < 0) return this.refuse(CODEC_ERROR.syntax)
    if (framing === (FIELD.contentLength | FIELD.transferEncoding)) {
      return this.refuse(CODEC_ERROR.chunkedAndContentLength)
    }
    if (this.toHead || status === 304) this.frame(0)
    else if (framing === FIELD.contentLength) this.frame(length)
    else if (framing === FIELD.transferEncoding) this.frame(CHUNKED)
    else {
      this.close = true
      this.frame(UNTIL_CLOSE)
    }
    return null
  }
}

const VERSION = Buffer.from('HTTP/1.')

/** RFC 9110 8.6, RFC 9112 6.1: a 1xx and a 204 have no body; one that claims a body is taken for an attack. */
function framingError(headers: HeaderList, fields: number): CodecError | null {
  if (fields & FIELD.transferEncoding) return CODEC_ERROR.transferEncodingNotAllowed
  const length = fields & FIELD.contentLength ? contentLengthOf(headers) : 0
  if (length < 0) return CODEC_ERROR.syntax
  return length === 0 ? null : CODEC_ERROR.contentLengthNotAllowed
}

/** The one Content-Length, or -1 when it is no number or there are several: equal ones too are refused. */
function contentLengthOf(headers: HeaderList): number {
  let length = -1
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'content-length') continue
    const value = parseContentLength(headers[i + 1]!)
    if (value < 0 || length >= 0) return -1
    length = value
  }
  return length
}
