// Two sessions against each other in memory, windows small, sockets slow, readers pausing: every byte arrives, in order, and
// nothing stands still for ever.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HeaderList } from '../header-list.ts'
import type { RequestHead } from '../request-head.ts'
import { Http2Session } from './session.ts'
import { ENVOY_HTTP2_SETTINGS } from './session-options.ts'
import type { Http2Stream } from './stream.ts'
import type { Http2StreamHandler } from './stream-handler.ts'
import { inBatch } from './testing/attached-session.ts'
import { FakeSocket } from './testing/fake-socket.ts'

interface Plan {
  readonly windows: readonly [stream: number, connection: number]
  /** Of each request: the chunks of its body. */
  readonly bodies: readonly (readonly number[])[]
  /** What happens between two transfers. */
  readonly events: readonly { readonly what: 'block' | 'read' | 'pause' | 'resume' | 'move'; readonly at: number }[]
}

/** Sends its chunks as long as the stream is not blocked, and hears the echo. */
class Sender implements Http2StreamHandler {
  readonly sent: Buffer
  received = ''
  ended = false
  stream!: Http2Stream
  readonly #chunks: Buffer[]

  constructor(index: number, lengths: readonly number[]) {
    this.#chunks = lengths.map((length, i) => Buffer.alloc(length, 65 + ((index * 7 + i) % 50)))
    this.sent = Buffer.concat(this.#chunks)
  }

  go(): void {
    while (this.#chunks.length > 0 && !this.stream.isBlocked) this.stream.sendData(this.#chunks.shift()!, false)
    if (this.#chunks.length === 0) this.stream.sendTrailers(['x-sent', `${this.sent.length}`])
  }

  onResponse(): void {}
  onData(chunk: Buffer): void {
    this.received += chunk.toString('latin1')
  }
  onTrailers(headers: HeaderList): void {
    this.ended = headers[1] === `${this.sent.length}`
  }
  onReset(_code: number, _remote: boolean, details: string): void {
    assert.fail(details)
  }
  onDrained(): void {
    this.go()
  }
}

class Echo implements Http2StreamHandler {
  readonly stream: Http2Stream
  paused = false

  constructor(stream: Http2Stream) {
    this.stream = stream
  }

  onResponse(): void {}
  onData(chunk: Buffer): void {
    this.stream.sendData(chunk, false)
    if (this.stream.isBlocked) this.stream.pause()
  }
  onTrailers(headers: HeaderList): void {
    this.stream.sendTrailers(headers)
  }
  onReset(_code: number, _remote: boolean, details: string): void {
    assert.fail(details)
  }
  onDrained(): void {
    if (!this.paused) this.stream.resume()
  }
}

class Pair {
  readonly #sockets = [new FakeSocket(), new FakeSocket()] as const
  readonly #echoes: Echo[] = []
  readonly client: Http2Session
  readonly server: Http2Session

  constructor(plan: Plan) {
    const [initialStreamWindow, initialConnectionWindow] = plan.windows
    const settings = { ...ENVOY_HTTP2_SETTINGS, initialStreamWindow, initialConnectionWindow }
    const handler = {
      onRequest: (stream: Http2Stream, _head: RequestHead) => {
        stream.sendResponse(200, [], false)
        const echo = new Echo(stream)
        this.#echoes.push(echo)
        return echo
      },
      onCapacity() {},
      onGoAway() {},
      onSessionError: (_code: number, details: string) => assert.fail(details),
    }
    this.client = new Http2Session('client', this.#sockets[0].asSocket(), handler, settings)
    this.server = new Http2Session('server', this.#sockets[1].asSocket(), handler, settings)
    inBatch(() => this.client.start())
    inBatch(() => this.server.start())
  }

  apply({ what, at }: Plan['events'][number]): void {
    const side = at & 1
    const socket = this.#sockets[side]!
    const echo = this.#echoes[at % Math.max(1, this.#echoes.length)]
    if (what === 'block') socket.isReading = false
    else if (what === 'read') this.#read(side)
    else if (what === 'move') this.move(1 + at * 37)
    else if (echo !== undefined) {
      echo.paused = what === 'pause'
      if (echo.paused) echo.stream.pause()
      else inBatch(() => echo.stream.resume())
    }
  }

  /** Carries what was written, in pieces; whether there was any. */
  move(piece: number): boolean {
    let moved = false
    for (const [socket, to] of [[this.#sockets[0], this.server] as const, [this.#sockets[1], this.client] as const]) {
      const bytes = socket.take()
      for (let at = 0; at < bytes.length; at += piece) {
        inBatch(() => to.receive(Buffer.from(bytes.subarray(at, at + piece))))
        moved = true
      }
    }
    return moved
  }

  settle(): void {
    for (const echo of this.#echoes) echo.paused = false
    let idle = 0
    while (idle < 2) {
      this.#read(0)
      this.#read(1)
      for (const echo of this.#echoes) inBatch(() => echo.stream.resume())
      idle = this.move(65_536) ? 0 : idle + 1
    }
  }

  #read(side: number): void {
    const socket = this.#sockets[side]!
    socket.isReading = true
    socket.read()
    inBatch(() => (side === 0 ? this.client : this.server).drained())
  }
}

const size = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 70_000 }))
const plans = fc.record({
  windows: fc.constantFrom<readonly [number, number]>(
    [65_535, 65_535],
    [1000, 65_535],
    [100_000, 70_000],
    [1 << 24, 1 << 24],
  ),
  bodies: fc.array(fc.array(size, { maxLength: 8 }), { minLength: 1, maxLength: 6 }),
  events: fc.array(
    fc.record({ what: fc.constantFrom('block', 'read', 'pause', 'resume', 'move', 'move'), at: fc.nat(400) }),
    { maxLength: 30 },
  ),
})

test('every byte arrives', () => {
  fc.assert(
    fc.property(plans, plan => {
      const pair = new Pair(plan)
      const senders = plan.bodies.map((lengths, index) => new Sender(index, lengths))
      const head = { method: 'POST', path: '/', authority: 'a', scheme: 'http', headers: [], protocol: '' }
      for (const sender of senders) {
        inBatch(() => {
          sender.stream = pair.client.openStream(sender)
          sender.stream.sendRequest(head, '/', 'a', false)
          sender.go()
        })
        pair.move(5000)
      }
      for (const event of plan.events) pair.apply(event)
      pair.settle()
      for (const sender of senders) {
        assert.ok(sender.received === sender.sent.toString('latin1'), 'the bytes that were sent')
        assert.ok(sender.ended)
      }
      assert.equal(pair.client.activeStreams, 0)
      assert.equal(pair.server.activeStreams, 0)
    }),
    { numRuns: 200 },
  )
})
