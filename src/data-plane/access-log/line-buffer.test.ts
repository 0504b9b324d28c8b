// Lines as bytes: what is escaped, what grows, and which block is used again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineBuffer } from './line-buffer.ts'

const taken = (lines: LineBuffer): string => lines.take().toString('latin1')

test('text goes in as it is, values without what would forge a field or a line', () => {
  const lines = new LineBuffer()
  lines.text('a"\n\u00e9')
  lines.escaped('b"\n\u00e9\x7f')
  assert.equal(lines.length, 4 + 1 + 4 + 4 + 1 + 4)
  assert.equal(taken(lines), 'a"\n\u00e9b\\x22\\x0A\u00e9\\x7F')
  assert.equal(lines.length, 0)
})

test('what is no byte does not become another, a line feed (U+010A) least of all', () => {
  const lines = new LineBuffer()
  lines.text('\u010a')
  lines.escaped('\u010a')
  assert.equal(taken(lines), '??')
})

test('a line longer than a block, and one that grows it in the middle, are whole', () => {
  const lines = new LineBuffer()
  const long = 'x'.repeat(200_000)
  lines.text('a')
  lines.text(long)
  lines.escaped('"'.repeat(100_000))
  assert.equal(taken(lines), `a${long}${'\\x22'.repeat(100_000)}`)
})

test('a block is used again once it is given back, and not before', () => {
  const lines = new LineBuffer()
  lines.text('first')
  const first = lines.take()
  lines.text('second')
  const second = lines.take()
  assert.equal(first.toString(), 'first')
  lines.giveBack(first)
  lines.text('third')
  const third = lines.take()
  assert.equal(third.buffer, first.buffer)
  assert.equal(second.toString(), 'second')
  assert.equal(third.toString(), 'third')
})
