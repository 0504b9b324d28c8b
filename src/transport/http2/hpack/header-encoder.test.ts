// What the encoder writes, the decoder reads; what repeats becomes small; secrets stay out of tables.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FieldName } from '../../http/field-name.ts'
import { HeaderDecoder } from './header-decoder.ts'
import { HeaderEncoder } from './header-encoder.ts'

type Fields = readonly (readonly [string, string])[]

class Pair {
  readonly encoder = new HeaderEncoder()
  readonly decoder = new HeaderDecoder()

  encode(fields: Fields): Buffer {
    let size = HeaderEncoder.blockOverhead
    for (const [name, value] of fields) size += HeaderEncoder.sizeOf(name, value)
    const bytes = Buffer.alloc(size)
    let at = this.encoder.begin(bytes, 0)
    for (const [name, value] of fields) at = this.encoder.field(bytes, at, name, value)
    assert.ok(at <= size, 'longer than promised')
    return bytes.subarray(0, at)
  }

  decode(bytes: Buffer): Fields {
    const fields: [string, string][] = []
    const sink = { onField: (name: FieldName, value: string): void => void fields.push([name.name, value]) }
    assert.ok(this.decoder.decode(bytes, 0, bytes.length, sink), 'the decoder refused it')
    return fields
  }

  roundTrip(fields: Fields): number {
    const bytes = this.encode(fields)
    assert.deepEqual(this.decode(bytes), fields)
    return bytes.length
  }
}

const REQUEST: Fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/items?page=2'],
  [':authority', 'shop.example.com'],
  ['user-agent', 'grpc-node-js/1.14.7'],
  ['content-type', 'application/grpc'],
  ['x-tenant', 'blue'],
]

test('from the third time on a field is a byte', () => {
  const pair = new Pair()
  const first = pair.roundTrip(REQUEST)
  pair.roundTrip(REQUEST)
  assert.equal(pair.roundTrip(REQUEST), REQUEST.length)
  assert.ok(first > 60)
})

test('values that never repeat leave the table to the others', () => {
  const pair = new Pair()
  for (let i = 0; i < 3; i++) pair.roundTrip(REQUEST)
  for (let i = 0; i < 500; i++) pair.roundTrip([...REQUEST, ['x-request-id', `id-${i}`]])
  assert.equal(pair.roundTrip(REQUEST), REQUEST.length)
  assert.equal(pair.decoder.table.count, 6, 'five values and the name of x-request-id')
})

test('short secrets are never indexed, and not even their repetition shows', () => {
  const pair = new Pair()
  const secret: Fields = [['authorization', 'Basic YTpi']]
  const first = pair.encode(secret)
  assert.equal(first[0]! & 0xf0, 0x10)
  assert.deepEqual(pair.encode(secret), first)
  assert.equal(pair.decoder.table.count, 0)
})

test('fields of an HTTP/1.1 connection are left out', () => {
  const pair = new Pair()
  const fields: Fields = [
    ['connection', 'x'],
    ['transfer-encoding', 'chunked'],
    ['upgrade', 'y'],
    ['host', 'a'],
    ['a', 'b'],
  ]
  assert.deepEqual(pair.decode(pair.encode(fields)), [['a', 'b']])
})

test('the peer may shrink the table, and grow it again', () => {
  const pair = new Pair()
  for (let i = 0; i < 3; i++) pair.roundTrip(REQUEST)
  pair.encoder.setLimit(0)
  for (let i = 0; i < 3; i++) pair.roundTrip(REQUEST)
  assert.equal(pair.decoder.table.count, 0)
  pair.encoder.setLimit(100)
  pair.encoder.setLimit(1 << 20)
  for (let i = 0; i < 3; i++) pair.roundTrip(REQUEST)
  assert.equal(pair.decoder.table.maxSize, 4096)
  assert.equal(pair.roundTrip(REQUEST), REQUEST.length)
})

test('names without end are forgotten, and what is sent stays right', () => {
  const pair = new Pair()
  for (let i = 0; i < 1000; i++) pair.roundTrip([...REQUEST, [`x-${i}`, 'v'], [`x-${i % 7}`, 'w']])
})

test('any lists, with any table sizes between them', () => {
  const name = fc.constantFrom(
    'a',
    'b',
    'x-long-name',
    'cookie',
    'authorization',
    'content-type',
    ':path',
    'via',
    'date',
  )
  const value = fc.oneof(
    fc.constantFrom('', 'gzip, deflate', 'one', 'two', 'v'.repeat(90), 'w'.repeat(1500), 'x'.repeat(5000)),
    fc.stringMatching(/^[!-~]{0,30}$/),
  )
  const list = fc.array(fc.tuple(name, value), { maxLength: 12 })
  const step = fc.oneof({ weight: 8, arbitrary: list }, { weight: 1, arbitrary: fc.constantFrom(0, 40, 300, 4096) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const pair = new Pair()
      for (const each of steps) {
        if (typeof each === 'number') pair.encoder.setLimit(each)
        else pair.roundTrip(each)
      }
    }),
    { numRuns: 300 },
  )
})
