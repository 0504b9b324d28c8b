// RFC 7541 5.2 and appendix B.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CODE_LENGTHS, CODES } from './huffman-code.ts'
import { decodeHuffman } from './huffman-decoder.ts'
import { encodeHuffman, huffmanLength } from './huffman-encoder.ts'

function decode(hex: string): string | null {
  const bytes = Buffer.from(hex, 'hex')
  const into = Buffer.alloc(bytes.length * 2)
  const length = decodeHuffman(bytes, 0, bytes.length, into)
  return length < 0 ? null : into.toString('latin1', 0, length)
}

test('the code is complete and has the codes of the appendix', () => {
  assert.equal(
    CODE_LENGTHS.reduce((sum, length) => sum + 2 ** -length, 0),
    1,
  )
  assert.deepEqual(
    [CODES[48], CODES[97], CODES[32], CODES[0], CODES[13], CODES[249], CODES[256]],
    [0, 3, 0x14, 0x1ff8, 0x3ffffffd, 0xffffffe, 0x3fffffff],
  )
})

test('texts of appendix C', () => {
  assert.equal(decode('f1e3c2e5f23a6ba0ab90f4ff'), 'www.example.com')
  assert.equal(decode('a8eb10649cbf'), 'no-cache')
  assert.equal(
    decode('94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007'),
    'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  )
})

test('what is no such code is refused', () => {
  assert.equal(decode(''), '')
  assert.equal(decode('ff'), null, 'eight bits of padding')
  assert.equal(decode('1c64ffffffff'), null, 'longer padding')
  assert.equal(decode('18'), null, 'padding of zeros')
  assert.equal(decode('fffffffc'), null, 'the end of string itself')
  assert.equal(decode('1fffffffff'), null, 'an end of string between')
})

test('any bytes there and back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      const text = Buffer.from(bytes).toString('latin1')
      const encoded = Buffer.alloc(bytes.length * 4 + 4)
      const end = encodeHuffman(text, encoded, 0)
      assert.equal(end, huffmanLength(text))
      assert.equal(decode(encoded.toString('hex', 0, end)), text)
    }),
  )
})

test('a character that is no byte becomes a question mark', () => {
  const encoded = Buffer.alloc(8)
  assert.equal(decode(encoded.toString('hex', 0, encodeHuffman('aĀ\u{1f600}', encoded, 0))), 'a???')
})
