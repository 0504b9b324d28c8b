// gRPC-Web: base64 in any pieces is what a strict reading of the whole says, and what is encoded can be decoded; messages
// are counted alike however the bytes are cut.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MessageCounter } from '../../src/data-plane/filters/http/grpc-stats/message-counter.ts'
import { Base64Decoder } from '../../src/data-plane/filters/http/grpc-web/base64-decoder.ts'
import { FrameEncoder } from '../../src/data-plane/filters/http/grpc-web/frame-encoder.ts'
import { corpus, fuzz, mutations } from './fuzz.ts'

const bytes = fc.oneof(
  { weight: 4, arbitrary: mutations(corpus('grpc-web')) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map(Buffer.from) },
)
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 })
const cases = fc.tuple(bytes, sizes)

function pieces(whole: Buffer, lengths: readonly number[]): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0, i = 0; at < whole.length; i++) {
    const end = at + lengths[i % lengths.length]!
    // A copy, as of a read buffer that is used again.
    found.push(Buffer.from(whole.subarray(at, end)))
    at = end
  }
  return found
}

/** Null: no base64, or more than groups of four whose padding stands for nothing and ends it (RFC 4648 3.5, 4). */
function strictly(text: string): Buffer | null {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null
  const decoded = Buffer.from(text, 'base64')
  return decoded.toString('base64') === text ? decoded : null
}

fuzz(
  'grpc-web: base64 in pieces is taken, and read, as a strict reader takes the whole',
  2_000,
  cases,
  ([all, cuts]) => {
    const decoder = new Base64Decoder()
    const found: Buffer[] = []
    let isRefused = false
    for (const piece of pieces(all, cuts)) {
      const decoded = decoder.decode(piece)
      isRefused = decoded === null
      if (decoded === null) break
      found.push(decoded)
    }
    const expected = strictly(all.toString('latin1'))
    if (isRefused || decoder.isMidGroup) assert.equal(expected, null)
    else assert.deepEqual(Buffer.concat(found), expected)
  },
)

fuzz('grpc-web: whatever is encoded is decoded to the same bytes', 2_000, cases, ([all, cuts]) => {
  const encoder = new FrameEncoder()
  const text = [...pieces(all, cuts).map(piece => encoder.encode(piece)), encoder.finish()].join('')
  // Each frame is padded by itself: a decoder begins anew behind padding.
  const parts = text.match(/[^=]+=*/g) ?? []
  const decoded = parts.map(part => new Base64Decoder().decode(Buffer.from(part)))
  assert.ok(decoded.every(part => part !== null))
  assert.deepEqual(Buffer.concat(decoded as Buffer[]), all)
})

fuzz('grpc-web: messages are counted alike however the bytes are cut', 2_000, cases, ([all, cuts]) => {
  const counter = new MessageCounter()
  const counted = pieces(all, cuts).reduce((sum, piece) => sum + counter.count(piece), 0)
  let messages = 0
  for (let at = 0; at < all.length; messages++) {
    if (at + 5 > all.length) at = all.length
    else at += 5 + all.readUInt32BE(at + 1)
  }
  assert.equal(counted, messages)
})
