import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Base64Decoder } from './base64-decoder.ts'
import { FrameEncoder } from './frame-encoder.ts'
import { trailersFrame } from './trailers-frame.ts'

const bytes = fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array))
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 })

function pieces(whole: Buffer, sizes: readonly number[]): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0, i = 0; at < whole.length; i++) {
    const size = sizes[i % sizes.length]!
    found.push(whole.subarray(at, at + size))
    at += size
  }
  return found
}

test('base64 in any pieces is what it is in one', () => {
  fc.assert(
    fc.property(bytes, cuts, (content, sizes) => {
      const decoder = new Base64Decoder()
      const decoded = pieces(Buffer.from(content.toString('base64')), sizes).map(piece => decoder.decode(piece))
      assert.ok(decoded.every(piece => piece !== null))
      assert.deepEqual(Buffer.concat(decoded as Buffer[]), content)
      assert.equal(decoder.isMidGroup, false)
    }),
  )
})

test('what is no base64 is refused', () => {
  for (const text of ['!!!!', 'AA==AA==', 'A===', '====', 'AB==', 'AAB=', 'AA=A', 'AA A'])
    assert.equal(new Base64Decoder().decode(Buffer.from(text)), null, text)
  const decoder = new Base64Decoder()
  assert.equal(decoder.decode(Buffer.from('AAA'))?.length, 0)
  assert.equal(decoder.isMidGroup, true)
})

test('frames are padded one by one, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 5 }), cuts, (bodies, sizes) => {
      const frames = bodies.map(body => {
        const head = Buffer.alloc(5)
        head.writeUInt32BE(body.length, 1)
        return Buffer.concat([head, body])
      })
      const encoder = new FrameEncoder()
      const text = pieces(Buffer.concat(frames), sizes).map(piece => encoder.encode(piece).toString('latin1'))
      assert.equal(text.join(''), frames.map(frame => frame.toString('base64')).join(''))
      assert.equal(encoder.finish().length, 0)
    }),
  )
})

test('bytes that end within a frame are told all the same', () => {
  const encoder = new FrameEncoder()
  const text = encoder.encode(Buffer.from([0, 0, 0, 0, 9, 97, 98])).toString('latin1')
  assert.equal(text + encoder.finish().toString('latin1'), Buffer.from([0, 0, 0, 0, 9, 97, 98]).toString('base64'))
})

test('trailers become a frame', () => {
  const frame = trailersFrame(['grpc-status', '0', 'grpc-message', 'hi'])
  assert.equal(frame.toString('base64'), 'gAAAACBncnBjLXN0YXR1czowDQpncnBjLW1lc3NhZ2U6aGkNCg==')
})
