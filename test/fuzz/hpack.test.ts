// HPACK: what the encoder writes, the decoder reads, with tables that change their size between; and any bytes end well.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { FieldName } from '../../src/transport/http/field-name.ts'
import { HeaderDecoder } from '../../src/transport/http2/hpack/header-decoder.ts'
import { HeaderEncoder } from '../../src/transport/http2/hpack/header-encoder.ts'
import { corpus, fuzz, mutations } from './fuzz.ts'

type Fields = readonly (readonly [string, string])[]

const NAMES = [':path', ':status', 'cookie', 'x-a', 'x-long-name-of-a-field', 'accept', 'date', 'authorization']
const value = fc.oneof(
  fc.constantFrom('', '200', '/', 'gzip, deflate', 'v'.repeat(100), 'w'.repeat(5_000)),
  fc.stringMatching(/^[!-~\x80-\xff]{0,40}$/),
)
const list = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 12 })
const step = fc.oneof({ weight: 6, arbitrary: list }, { weight: 1, arbitrary: fc.constantFrom(0, 50, 300, 4_096) })

function encode(encoder: HeaderEncoder, fields: Fields): Buffer {
  let size = HeaderEncoder.blockOverhead
  for (const [name, value] of fields) size += HeaderEncoder.sizeOf(name, value)
  const bytes = Buffer.alloc(size)
  let at = encoder.begin(bytes, 0)
  for (const [name, value] of fields) at = encoder.field(bytes, at, name, value)
  assert.ok(at <= size, 'longer than promised')
  return bytes.subarray(0, at)
}

function decode(decoder: HeaderDecoder, bytes: Buffer): Fields | null {
  const fields: [string, string][] = []
  const sink = { onField: (name: FieldName, value: string): void => void fields.push([name.name, value]) }
  return decoder.decode(bytes, 0, bytes.length, sink) ? fields : null
}

fuzz('hpack: there and back', 500, fc.array(step, { maxLength: 20 }), steps => {
  const encoder = new HeaderEncoder()
  const decoder = new HeaderDecoder()
  for (const each of steps) {
    if (typeof each === 'number') {
      decoder.setLimit(each, true)
      encoder.setLimit(each)
    } else assert.deepEqual(decode(decoder, encode(encoder, each)), each)
  }
})

const blocks = fc.array(fc.oneof(mutations(corpus('hpack')), fc.uint8Array({ maxLength: 60 }).map(Buffer.from)), {
  maxLength: 10,
})
fuzz('hpack: any bytes are decoded or refused, and the table keeps to its size', 500, blocks, all => {
  const decoder = new HeaderDecoder()
  for (const bytes of all) {
    if (decode(decoder, bytes) === null) return
    assert.ok(decoder.table.size <= 4_096)
  }
})
