import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { drawFromHeader } from './weighted-draw.ts'

const draw = (value: string, total: number): number => drawFromHeader(['x-a', '7', 'x-draw', value], 'x-draw', total)

test('any unsigned 64-bit number, by its remainder', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.integer({ min: 1, max: 2 ** 32 - 1 }), (value, total) => {
      assert.equal(draw(String(value), total), Number(value % BigInt(total)))
      assert.equal(draw(`000${value}`, total), Number(value % BigInt(total)))
    }),
  )
  fc.assert(fc.property(fc.bigInt(2n ** 64n, 2n ** 70n), value => assert.equal(draw(String(value), 10), -1)))
})

test('what is no such number, is not there, or is there twice leaves the draw to chance', () => {
  for (const value of ['', '-1', '1.5', '0x10', '1 2', 'seven', '18446744073709551616'])
    assert.equal(draw(value, 10), -1)
  assert.equal(drawFromHeader([], 'x-draw', 10), -1)
  assert.equal(drawFromHeader(['x-draw', '1', 'x-draw', '1'], 'x-draw', 10), -1)
})
