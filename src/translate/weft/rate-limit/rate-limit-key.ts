// `by`: what has a bucket of its own for each of its values.
import { claimNamed } from '../../../model/jwt-claim.ts'
import type { RateLimitKey } from '../../../model/rate-limit.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'
import { headerName } from './header-name.ts'

const KEYS = ['header', 'claim', 'clientAddress'] as const
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
    const id = idOf(key)
    if (seen.has(id)) reader.sink.badValue(reader, 'is there twice')
    seen.add(id)
    keys.push(key)
  }
  return keys
}

function readKey(reader: ObjectReader): RateLimitKey | null {
  const header = reader.string('header')
  const claim = reader.string('claim')
  const address = reader.object('clientAddress')
  const network = address && readNetwork(address)
  const set = KEYS.filter(name => reader.has(name))
  reader.done()
  if (set.length > 1) reader.sink.contradiction(reader, `only one of ${KEYS.join(', ')} may be set`)
  if (header !== undefined) {
    return { kind: 'header', name: headerName(header, reader.place('header'), reader.sink) }
  }
  if (address) return { kind: 'client-address', ...(network && { network }) }
  if (claim !== undefined) return { kind: 'claim', path: claimPath(claim, reader.place('claim'), reader.sink) }
  if (set.length === 0) reader.sink.error('WEFT-1006', reader, `one of ${KEYS.join(', ')} is missing`)
  return null
}

function claimPath(text: string, place: FieldPlace, sink: ProblemSink): readonly string[] {
  const path = claimNamed(text) ?? []
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no descriptor may hold
  if (path.length === 0 || path.includes('') || /[\x00-\x1f\x7f]/.test(text))
    sink.badValue(place, `"${text.slice(0, 80)}" is not a claim`, 'write for example sub, realm.role or [realm][role]')
  return path
}

function idOf(key: RateLimitKey): string {
  if (key.kind === 'header') return `header ${key.name}`
  return key.kind === 'claim' ? `claim ${JSON.stringify(key.path)}` : key.kind
}

/** Undefined: whole addresses. */
function readNetwork(reader: ObjectReader): { readonly v4Bits: number; readonly v6Bits: number } | undefined {
  const v4Bits = reader.integer('v4PrefixLength', 0, 32)
  const v6Bits = reader.integer('v6PrefixLength', 0, 128)
  reader.done()
  if (v4Bits === undefined && v6Bits === undefined) return undefined
  return { v4Bits: v4Bits ?? 32, v6Bits: v6Bits ?? 128 }
}
