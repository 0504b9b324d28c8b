// Which block comes back, and when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Borrower, LentBlocks, MAX_LENT_BLOCKS } from './lent-blocks.ts'

class Writer implements Borrower {
  handed = 0
  sent = 0
  hasSent(mark: number): boolean {
    return this.sent >= mark
  }
}

test('blocks come back in the order in which they were lent, each once it is sent; there is no end to it', () => {
  const lent = new LentBlocks()
  const writers = [new Writer(), new Writer(), new Writer()]
  const step = fc.record({ act: fc.constantFrom('lend', 'send', 'reclaim'), writer: fc.nat(2) })
  // What it should hold, the oldest first.
  let held: { block: Buffer; writer: Writer; mark: number }[] = []
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), steps => {
      for (const { act, writer: index } of steps) {
        const writer = writers[index]!
        if (act === 'send') writer.sent = writer.handed
        else if (act === 'lend') {
          const block = Buffer.alloc(1)
          writer.handed++
          lent.lend(block, writer)
          if (held.length < MAX_LENT_BLOCKS) held.push({ block, writer, mark: writer.handed })
        } else {
          const [oldest, ...others] = held
          const isSent = oldest !== undefined && oldest.writer.sent >= oldest.mark
          assert.equal(lent.reclaim(), isSent ? oldest.block : undefined)
          held = oldest === undefined || isSent ? others : [...others, oldest]
        }
      }
    }),
  )
})

test('of more blocks than it has room for it keeps the first', () => {
  const lent = new LentBlocks()
  const writer = new Writer()
  const blocks = Array.from({ length: MAX_LENT_BLOCKS + 1 }, () => Buffer.alloc(1))
  for (const block of blocks) lent.lend(block, writer)
  const back = blocks.map(() => lent.reclaim())
  assert.ok(back.slice(0, -1).every((block, at) => block === blocks[at]))
  assert.equal(back.at(-1), undefined)
})
