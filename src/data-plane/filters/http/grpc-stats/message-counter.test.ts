import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MessageCounter } from './message-counter.ts'

function frame(length: number): Buffer {
  const bytes = Buffer.alloc(5 + length)
  bytes.writeUInt32BE(length, 1)
  return bytes
}

test('however the bytes are cut, each message is counted once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 300 })),
      fc.array(fc.integer({ min: 1, max: 20 })),
      (lengths, cuts) => {
        const bytes = Buffer.concat(lengths.map(frame))
        const counter = new MessageCounter()
        let counted = 0
        let at = 0
        for (let i = 0; at < bytes.length; i++) {
          const size = cuts[i % Math.max(1, cuts.length)] ?? 7
          counted += counter.count(bytes.subarray(at, at + size))
          at += size
        }
        assert.equal(counted, lengths.length)
      },
    ),
  )
})
