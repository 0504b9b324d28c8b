// How field names are written: HTTP does not care (RFC 9110 5.1), but some old peers do.
import type { HeaderSpelling } from '../request-head.ts'

/** Envoy's header_key_format: as they are, `Content-Type`, or as the other side spelt them (the preserve_case formatter). */
export type HeaderCase = 'lower' | 'proper' | 'preserve' | 'preserve-or-proper'

/** Names learnt, and forgotten all at once: a peer that invents names costs time, never memory. */
const MAX_KNOWN = 4096
const known = new Map<string, string>()

/** First letters upper case, and those behind what is no letter or digit (Envoy's ProperCaseHeaderKeyFormatter). */
export function properCase(name: string): string {
  const found = known.get(name)
  if (found !== undefined) return found
  let text = ''
  let starts = true
  for (let i = 0; i < name.length; i++) {
    const char = name[i]!
    text += starts ? char.toUpperCase() : char
    starts = !isAlphanumeric(char.charCodeAt(0))
  }
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(name, text)
  return text
}

export function formatName(name: string, headerCase: HeaderCase, spelling: HeaderSpelling | undefined): string {
  if (headerCase === 'proper') return properCase(name)
  if (spelling !== undefined) {
    for (let i = 0; i < spelling.length; i += 2) if (spelling[i] === name) return spelling[i + 1]!
  }
  return headerCase === 'preserve-or-proper' ? properCase(name) : name
}

function isAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)
}
