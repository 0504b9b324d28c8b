// Joined sockets do as two ends of a loopback connection do: bytes, back-pressure, half-close, resets.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { limitBuffers } from './buffer-limit.ts'
import { PairedSocket } from './paired-socket.ts'

function pair(): [PairedSocket, PairedSocket] {
  const ends: [PairedSocket, PairedSocket] = [new PairedSocket(), new PairedSocket()]
  PairedSocket.join(...ends)
  for (const end of ends) end.allowHalfOpen = true
  return ends
}

async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

async function text(end: Socket): Promise<string> {
  let heard = ''
  end.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1')
  })
  await once(end, 'end')
  return heard
}

test('bytes and text arrive in order, both ways, and each way ends by itself', async () => {
  const [near, far] = pair()
  assert.ok(near instanceof Socket)
  near.write('é', 'latin1')
  near.cork()
  near.write(Buffer.from([1, 2]))
  near.write('three')
  near.uncork()
  near.end()
  assert.equal(await text(far), '\xe9\x01\x02three')
  far.end('answer')
  assert.equal(await text(near), 'answer')
  await turns()
  assert.deepEqual([near.destroyed, far.destroyed], [true, true])
})

test('a reader that answers at once does not meet its writer in the middle of a write', async () => {
  const [near, far] = pair()
  let writing = false
  far.on('data', () => {
    assert.equal(writing, false)
    far.write('answer')
  })
  near.on('data', () => assert.equal(writing, false))
  writing = true
  near.write('question')
  writing = false
  await once(near, 'data')
})

test('a reader that stands still holds its writer up, and what waits is bounded', async () => {
  const [near, far] = pair()
  limitBuffers(near, 32 * 1024)
  let written = 0
  while (near.writableLength < 32 * 1024) {
    near.write(Buffer.alloc(8 * 1024))
    written += 8 * 1024
    await turns(1)
  }
  assert.ok(far.readableLength <= far.readableHighWaterMark + 8 * 1024)
  assert.ok(written <= 32 * 1024 + far.readableHighWaterMark + 16 * 1024, `${written}`)
  const drained = once(near, 'drain')
  let read = 0
  far.on('data', (chunk: Buffer) => {
    read += chunk.length
  })
  await drained
  near.end()
  await once(far, 'end')
  assert.equal(read, written)
})

test('the end that goes leaves a FIN; whoever writes to it is reset', async () => {
  const [near, far] = pair()
  near.destroy()
  far.resume()
  await once(far, 'end')
  assert.equal(far.destroyed, false)
  far.write('to nobody')
  const [error] = (await once(far, 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'EPIPE')
})

test('a reset is one to the other end; so is to go while bytes wait to be read', async () => {
  for (const leave of [(end: Socket) => end.resetAndDestroy(), (end: Socket) => end.destroy()]) {
    const [near, far] = pair()
    limitBuffers(far, 1)
    far.write('x'.repeat(100_000))
    await turns()
    near.on('error', () => {})
    leave(near)
    const [error] = (await once(far, 'error')) as [NodeJS.ErrnoException]
    assert.equal(error.code, 'ECONNRESET')
    assert.equal(far.destroyed, true)
  }
})

test('what is written over once its write is done arrives as it was', async () => {
  const [near, far] = pair()
  const block = Buffer.from('first')
  await new Promise(done => near.write(block, done))
  block.write('later')
  near.end()
  assert.equal(await text(far), 'first')
})
