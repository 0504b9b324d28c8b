// Byte classes of RFC 9110 and 9112 as look-up tables.

function classOf(allowed: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (allowed(byte) ? 1 : 0))
}

const TCHAR = new Set(Array.from("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", c => c.charCodeAt(0)))
const HOST_PUNCTUATION = new Set(Array.from("-._~!$&'()*+,;=:[]%", c => c.charCodeAt(0)))

const isAlphanumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)

/** RFC 9110 5.6.2: the lower-cased byte of a token, 0 for what may not stand in one. */
export const TOKEN_LOWER: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const lower = byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte
  return TCHAR.has(lower) ? lower : 0
})

/** RFC 9110 5.5: what a field value may hold: visible ASCII, obs-text, space and tab. Not CR, LF, NUL, other controls. */
export const FIELD_VALUE: Uint8Array = classOf(byte => byte === 9 || (byte >= 0x20 && byte !== 0x7f))

/** Bytes of a request target. RFC 3986 allows fewer, but browsers and Envoy send and take all visible ASCII. */
export const TARGET: Uint8Array = classOf(byte => byte > 0x20 && byte < 0x7f)

/** RFC 3986 3.2: host and port; user information (`@`) is refused, as RFC 9110 4.2.4 asks of http URIs. */
export const AUTHORITY: Uint8Array = classOf(byte => isAlphanumeric(byte) || HOST_PUNCTUATION.has(byte))

/** The value of a hexadecimal digit, 255 for anything else. */
export const HEX_VALUE: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : 255
})

export const CR = 13
export const LF = 10
export const SPACE = 32
export const TAB = 9
export const COLON = 58
export const SEMICOLON = 59
