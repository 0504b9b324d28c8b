// What reaches the socket, in which writes, and which block may be used again.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { SocketWriter } from './socket-writer.ts'
import { closeBatch, openBatch } from './write-batch.ts'

/** Takes each write at once, or keeps all until `release`. */
class Scene extends Writable {
  readonly writes: Buffer[] = []
  readonly #waiting: (() => void)[] = []
  held = false
  readonly writer = new SocketWriter(this as unknown as Socket)

  constructor() {
    super({ highWaterMark: 1000 })
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk)
    if (this.held) this.#waiting.push(done)
    else done()
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.writes.push(chunk)
    if (this.held) this.#waiting.push(done)
    else done()
  }

  /** As long as it keeps a write it is not closed. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.held) this.#waiting.push(() => done(error))
    else done(error)
  }

  release(): void {
    for (const done of this.#waiting.splice(0)) done()
  }

  /** In one turn. */
  turn(act: (writer: SocketWriter) => void): void {
    openBatch()
    act(this.writer)
    closeBatch()
  }

  get sent(): string {
    return Buffer.concat(this.writes).toString('latin1')
  }
}

test('a head and small bodies leave in one write, in their order', () => {
  const scene = new Scene()
  scene.turn(writer => {
    writer.text('head')
    writer.body(Buffer.from('one'))
    writer.text('|')
    writer.body(Buffer.from('two'))
  })
  assert.equal(scene.writes.length, 1)
  assert.equal(scene.sent, 'headone|two')
})

test('a large body goes as it is, between what was joined before and after', () => {
  const scene = new Scene()
  const large = Buffer.alloc(9000, 'L')
  scene.turn(writer => {
    writer.text('head')
    writer.body(Buffer.from('a'))
    writer.body(large)
    writer.text('tail')
    writer.body(Buffer.from('b'))
  })
  assert.equal(scene.sent, `heada${large}tailb`)
  assert.ok(scene.writes.includes(large))
})

test('more than a block holds is whole', () => {
  const scene = new Scene()
  const parts = Array.from({ length: 12 }, (_, index) => String.fromCharCode(97 + index).repeat(3000))
  scene.turn(writer => {
    for (const part of parts) {
      writer.text(part)
      writer.body(Buffer.from(part))
    }
    writer.text('z'.repeat(40_000))
    writer.body(Buffer.from('end'))
  })
  assert.equal(scene.sent, `${parts.map(part => part + part).join('')}${'z'.repeat(40_000)}end`)
})

test('a block that the socket has not taken is left alone by the next write', () => {
  const slow = new Scene()
  const quick = new Scene()
  slow.held = true
  slow.turn(writer => writer.body(Buffer.from('slow')))
  quick.turn(writer => writer.body(Buffer.from('quick')))
  slow.turn(writer => writer.body(Buffer.from('later')))
  quick.turn(writer => writer.body(Buffer.from('again')))
  slow.held = false
  slow.release()
  assert.equal(slow.sent, 'slowlater')
  assert.equal(quick.writes.length, 2)
})

test('a block is used again once the socket has sent it, which may be later than the write', () => {
  const scenes = [new Scene(), new Scene(), new Scene()]
  for (const scene of scenes) scene.held = true
  const blocks = new Set<ArrayBufferLike>()
  for (let round = 0; round < 20; round++) {
    for (const scene of scenes) {
      scene.turn(writer => writer.body(Buffer.from(`${round}`)))
      blocks.add(scene.writes.at(-1)!.buffer)
    }
    for (const scene of scenes) assert.equal(scene.writes.at(-1)!.toString(), `${round}`)
    for (const scene of scenes) scene.release()
  }
  assert.ok(blocks.size <= 8, `${blocks.size} blocks`)
})

test('a block whose socket was destroyed before it had sent it is used again once that is closed', () => {
  const scene = new Scene()
  scene.held = true
  scene.turn(writer => writer.body(Buffer.from('dying')))
  const [bytes] = scene.writes
  scene.destroy()
  const other = new Scene()
  other.held = true
  const blocks = new Set<ArrayBufferLike>()
  const turns = (): void => {
    for (let i = 0; i < 100; i++) {
      other.turn(writer => writer.body(Buffer.from('x')))
      blocks.add(other.writes.at(-1)!.buffer)
      other.release()
    }
  }
  turns()
  assert.equal(bytes!.toString(), 'dying')
  assert.ok(!blocks.has(bytes!.buffer))
  scene.release()
  turns()
  assert.ok(blocks.has(bytes!.buffer))
})

test('what waits behind other bytes keeps no block for itself', () => {
  const scene = new Scene()
  scene.held = true
  scene.turn(writer => writer.body(Buffer.from('first')))
  scene.turn(writer => writer.body(Buffer.from('second')))
  scene.release()
  assert.equal(scene.sent, 'firstsecond')
  assert.ok(scene.writes[1]!.buffer.byteLength < 16_384 || scene.writes[1]!.buffer !== scene.writes[0]!.buffer)
})

test('characters that are no bytes become none, joined or not', () => {
  const scene = new Scene()
  scene.turn(writer => writer.text('\u010a'))
  scene.turn(writer => {
    writer.text('\u010a')
    writer.body(Buffer.from('b'))
    writer.text('\u010a')
  })
  assert.equal(scene.sent, '??b?')
})

test('a full socket says so until it has drained; a destroyed one is written nothing', () => {
  const scene = new Scene()
  scene.held = true
  scene.turn(writer => writer.body(Buffer.alloc(2000)))
  assert.equal(scene.writer.isBlocked, true)
  scene.writer.drained()
  assert.equal(scene.writer.isBlocked, false)
  scene.destroy()
  scene.turn(writer => writer.body(Buffer.from('lost')))
  assert.equal(scene.writes.length, 1)
})
