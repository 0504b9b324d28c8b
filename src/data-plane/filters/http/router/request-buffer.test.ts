// What a kept body may cost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestBuffer } from './request-buffer.ts'

test('the limit holds for what is kept, however small the chunks', () => {
  const large = new RequestBuffer(64 * 1024)
  large.add(Buffer.alloc(60 * 1024))
  assert.equal(large.isOverLimit, false)
  large.add(Buffer.alloc(8 * 1024))
  assert.equal(large.isOverLimit, true)
  const small = new RequestBuffer(64 * 1024)
  let chunks = 0
  for (; !small.isOverLimit; chunks++) small.add(Buffer.alloc(1))
  assert.ok(chunks <= 512, `${chunks} chunks`)
})
