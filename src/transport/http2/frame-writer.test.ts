// Many writers, one arena: whoever's socket keeps bytes for how long, they are those that were written.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameWriter } from './frame-writer.ts'
import { FakeSocket } from './testing/fake-socket.ts'

class Writer {
  readonly socket = new FakeSocket()
  readonly writer = new FrameWriter(this.socket.asSocket())
  expected = ''
  #next = 0

  small(length: number): void {
    const text = this.#text(length)
    const bytes = this.writer.reserve(length)
    this.writer.position += bytes.write(text, this.writer.position, 'latin1')
  }

  body(length: number): void {
    const chunk = Buffer.from(this.#text(length), 'latin1')
    this.writer.body(chunk, 0, length)
  }

  #text(length: number): string {
    const text = String.fromCharCode(33 + (this.#next++ % 90)).repeat(length)
    this.expected += text
    return text
  }
}

test('what arrives is what was written, in order', () => {
  const length = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 16_000 }))
  const step = fc.record({
    who: fc.nat(3),
    what: fc.constantFrom('small', 'small', 'small', 'body', 'flush', 'flush', 'stop', 'read'),
    length,
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), steps => {
      const writers = [new Writer(), new Writer(), new Writer(), new Writer()]
      for (const { who, what, length } of steps) {
        const one = writers[who]!
        if (what === 'small') one.small(length)
        else if (what === 'body') one.body(length)
        else if (what === 'flush') one.writer.flush()
        else if (what === 'stop') one.socket.isReading = false
        else {
          one.socket.isReading = true
          one.socket.read()
        }
      }
      for (const { writer, socket, expected } of writers) {
        writer.flush()
        socket.read()
        assert.ok(socket.take().toString('latin1') === expected)
      }
    }),
    { numRuns: 500 },
  )
})

test('a turn that was taken at once leaves its memory to the next', () => {
  const [one, two] = [new Writer(), new Writer()]
  const turn = (): number => {
    one.small(10)
    const { position } = one.writer
    two.small(10)
    one.small(10)
    one.writer.flush()
    two.writer.flush()
    return position
  }
  assert.equal(turn(), turn())
  one.socket.isReading = false
  const held = turn()
  assert.equal(turn(), held + 30)
})

test('memory is used again once sockets have sent what they kept, full arenas too', () => {
  const writers = Array.from({ length: 30 }, () => new Writer())
  const arenas = new Set<Buffer>()
  for (let round = 0; round < 50; round++) {
    for (const { socket } of writers) socket.isReading = false
    for (const one of writers) {
      one.small(10_000)
      arenas.add(one.writer.reserve(0))
      one.writer.flush()
    }
    for (const { socket } of writers) socket.read()
  }
  // Of 125, two and a half in each round.
  assert.ok(arenas.size <= 12, `${arenas.size} arenas`)
  for (const { socket, expected } of writers) assert.ok(socket.take().toString('latin1') === expected)
})

test('what a destroyed socket had not sent is used again once it is closed', () => {
  const one = new Writer()
  const other = new Writer()
  const positionOf = (writer: Writer): number => {
    writer.small(10)
    writer.writer.flush()
    return writer.writer.position
  }
  one.socket.isReading = false
  const held = positionOf(one)
  one.socket.destroyed = true
  assert.ok(positionOf(other) > held)
  one.socket.closed = true
  assert.equal(positionOf(other), held)
})

test('nothing is written to a socket that is gone', () => {
  const one = new Writer()
  one.socket.destroyed = true
  one.small(10)
  one.body(10_000)
  one.writer.flush()
  assert.equal(one.socket.take().length, 0)
})
