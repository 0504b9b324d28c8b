// What a reader hears directly is what it would have heard from the stream: all bytes, in order, none while it pauses.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { readDirectly } from './direct-read.ts'

/** Its peer is the test. */
class Scene extends Duplex {
  heard = ''
  constructor() {
    super({ highWaterMark: 8, read: () => {} })
    readDirectly(this, chunk => {
      assert.equal(this.isPaused(), false, 'heard while it pauses')
      this.heard += chunk.toString('latin1')
      if (chunk.length === 3) this.pause()
    })
  }
}

test('bytes arrive in order and once, whenever the reader pauses and resumes', async () => {
  const step = fc.oneof(
    fc.integer({ min: 1, max: 12 }),
    fc.constant('pause' as const),
    fc.constant('resume' as const),
    fc.constant('wait' as const),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      const scene = new Scene()
      let sent = ''
      for (const what of steps) {
        if (what === 'pause') scene.pause()
        else if (what === 'resume') scene.resume()
        else if (what === 'wait') await new Promise(resolve => setImmediate(resolve))
        else {
          const text = String.fromCharCode(97 + (sent.length % 26)).repeat(what)
          sent += text
          scene.push(Buffer.from(text))
        }
      }
      scene.push(null)
      const ended = once(scene, 'end')
      // Reading three bytes pauses it again.
      const resuming = setInterval(() => scene.resume(), 0)
      await ended
      clearInterval(resuming)
      assert.equal(scene.heard, sent)
    }),
    { numRuns: 200 },
  )
})

test('who reads later takes the place of who read before', async () => {
  const scene = new Scene()
  scene.push(Buffer.from('one'))
  scene.resume()
  await new Promise(resolve => setImmediate(resolve))
  let later = ''
  readDirectly(scene, chunk => {
    later += chunk.toString('latin1')
  })
  scene.resume()
  scene.push(Buffer.from('other'))
  scene.pause()
  scene.push(Buffer.from('queued'))
  scene.resume()
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual([scene.heard, later], ['one', 'otherqueued'])
})

test('a reader that pauses has what follows queued for it, up to the high-water mark', () => {
  const scene = new Scene()
  assert.equal(scene.push(Buffer.from('abc')), true)
  assert.equal(scene.push(Buffer.from('queued')), true)
  assert.equal(scene.push(Buffer.from('more')), false)
  assert.equal(scene.heard, 'abc')
})

test('the collector is asked to free what was read before that fills memory', t => {
  const { gc } = globalThis
  t.after(() => {
    globalThis.gc = gc
  })
  const asked: unknown[] = []
  globalThis.gc = (options => {
    asked.push(options)
  }) as NonNullable<typeof gc>
  const socket = new Duplex({ read: () => {} })
  readDirectly(socket, () => {})
  const block = Buffer.alloc(1024 * 1024)
  for (let n = 0; n < 40; n++) socket.push(block)
  assert.deepEqual(asked, [{ type: 'minor' }, { type: 'minor' }])
})
