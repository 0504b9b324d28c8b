// `by`: what has a bucket of its own for each of its values.
import type { RateLimitKey } from '../../../model/rate-limit.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { headerName } from './header-name.ts'

/** Each is one entry of the descriptor. */
const MAX_KEYS = 8

export function readRateLimitKeys(rule: ObjectReader): readonly RateLimitKey[] {
  const keys: RateLimitKey[] = []
  const seen = new Set<string>()
  const readers = rule.objectList('by')
  if (readers.length > MAX_KEYS) rule.sink.badValue(rule.place('by'), `more than ${MAX_KEYS} keys`)
  for (const reader of readers) {
    const key = readKey(reader)
    if (key === null) continue
    const id = key.kind === 'header' ? key.name : key.kind
    if (seen.has(id)) reader.sink.badValue(reader, 'is there twice')
    seen.add(id)
    keys.push(key)
  }
  return keys
}

function readKey(reader: ObjectReader): RateLimitKey | null {
  reader.unsupported('claim')
  const header = reader.string('header')
  const address = reader.object('clientAddress')
  const network = address && readNetwork(address)
  const hasClaim = reader.has('claim')
  reader.done()
  if (header !== undefined && address)
    reader.sink.contradiction(reader, 'only one of header and clientAddress may be set')
  if (header !== undefined) {
    return { kind: 'header', name: headerName(header, reader.place('header'), reader.sink) }
  }
  if (address) return { kind: 'client-address', ...(network && { network }) }
  if (!hasClaim) reader.sink.error('WEFT-1006', reader, 'one of header and clientAddress is missing')
  return null
}

/** Undefined: whole addresses. */
function readNetwork(reader: ObjectReader): { readonly v4Bits: number; readonly v6Bits: number } | undefined {
  const v4Bits = reader.integer('v4PrefixLength', 0, 32)
  const v6Bits = reader.integer('v6PrefixLength', 0, 128)
  reader.done()
  if (v4Bits === undefined && v6Bits === undefined) return undefined
  return { v4Bits: v4Bits ?? 32, v6Bits: v6Bits ?? 128 }
}
