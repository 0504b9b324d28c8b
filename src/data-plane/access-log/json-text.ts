// Values as JSON, from texts that have one character for each byte. By itself the JSON is ASCII.
import { isUtf8 } from 'node:buffer'
import { toByteString } from '../../automata/regex.ts'
import type { MetadataValue } from '../stream-metadata.ts'

type Quote = (bytes: string) => string

export function jsonText(value: MetadataValue, quote: Quote = quoteJson): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : quote(String(value))
  if (value === null || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return `[${value.map(item => jsonText(item, quote)).join(',')}]`
  const fields = Object.entries(value as Readonly<Record<string, MetadataValue>>).sort(byKey)
  return `{${fields.map(([key, inner]) => `${quote(key)}:${jsonText(inner, quote)}`).join(',')}}`
}

/** For a text: a character for each byte, of UTF-8 where it is any. */
export function jsonBytes(value: MetadataValue): string {
  return jsonText(value, quoteBytes)
}

function quoteBytes(bytes: string): string {
  const raw = Buffer.from(bytes, 'latin1')
  return isUtf8(raw) ? toByteString(JSON.stringify(raw.toString('utf8'))) : quoteJson(bytes)
}

/** In the order of their names, as Envoy has all objects. */
export function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1
}

export function quoteJson(bytes: string): string {
  for (let i = 0; i < bytes.length; i++) {
    const unit = bytes.charCodeAt(i)
    if (unit < 32 || unit > 126 || unit === 34 || unit === 92) {
      const raw = Buffer.from(bytes, 'latin1')
      // What is no UTF-8 is written byte by byte, as Envoy has it: nothing is lost.
      return asciiJson(isUtf8(raw) ? raw.toString('utf8') : bytes)
    }
  }
  return `"${bytes}"`
}

export function asciiJson(text: string): string {
  const json = JSON.stringify(text)
  return toByteString(json) === json ? json : json.replace(/[^\x20-\x7e]/g, escapeUnit)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
