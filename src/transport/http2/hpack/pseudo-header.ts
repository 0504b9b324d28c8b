// Names that are none of HTTP's fields: pseudo-header fields (RFC 9113 8.3), and what may not stand as a name at all. Their
// bit is negative, so that one comparison tells them from the fields of a message.
import type { FieldName } from '../../http/field-name.ts'
import { latin1 } from '../../http/latin1.ts'

export const PSEUDO = {
  method: -1,
  scheme: -2,
  path: -3,
  authority: -4,
  protocol: -5,
  status: -6,
  /** Begins with a colon, and is none of these. */
  unknown: -7,
  /** Empty, upper case, or with a character that no token has. */
  invalid: -8,
} as const

const NAMES: readonly FieldName[] = [
  { name: ':method', bit: PSEUDO.method },
  { name: ':scheme', bit: PSEUDO.scheme },
  { name: ':path', bit: PSEUDO.path },
  { name: ':authority', bit: PSEUDO.authority },
  { name: ':protocol', bit: PSEUDO.protocol },
  { name: ':status', bit: PSEUDO.status },
]

/** The pseudo-header field of this text; one of `unknown` for another. */
export function pseudoHeader(text: string): FieldName {
  for (let i = 0; i < NAMES.length; i++) if (NAMES[i]!.name === text) return NAMES[i]!
  return { name: text, bit: PSEUDO.unknown }
}

/** What stands at `bytes[start, end)` instead of a token. */
export function notAToken(bytes: Buffer, start: number, end: number): FieldName {
  const text = latin1(bytes, start, end)
  return text.charCodeAt(0) === 0x3a ? pseudoHeader(text) : { name: text, bit: PSEUDO.invalid }
}
