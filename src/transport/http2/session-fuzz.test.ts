// Frames at random, near to valid ones, broken and cut anywhere: nothing throws, what comes of them does not depend on how
// the bytes were cut, and what is kept stays bounded.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FLAG, FRAME, PREFACE } from './frame.ts'
import { inBatch } from './testing/attached-session.ts'
import {
  block,
  data,
  describe,
  frame,
  headers,
  rstStream,
  settings,
  uint32,
  windowUpdate,
} from './testing/raw-frames.ts'
import { GET, POST, RawSession } from './testing/raw-session.ts'

const END = FLAG.endHeaders | FLAG.endStream

/** Streams that most seeds speak of. */
const IDS = [1, 3, 5, 7]

const SEEDS: readonly Buffer[] = [
  ...IDS.flatMap(id => [
    headers(id, GET, END),
    headers(id, POST),
    headers(id, [...POST, ['content-length', '5']]),
    headers(id, [[':status', '200']]),
    headers(id, [[':status', '103']]),
    headers(id, [['grpc-status', '0']], END),
    frame(FRAME.headers, FLAG.endStream, id, block(GET).subarray(0, 9)),
    frame(FRAME.continuation, FLAG.endHeaders, id, block(GET).subarray(9)),
    frame(FRAME.headers, END, id, Buffer.from('828684410f7777772e6578616d706c652e636f6d', 'hex')),
    frame(FRAME.headers, END, id, Buffer.from('828684be58086e6f2d6361636865', 'hex')),
    frame(FRAME.headers, END, id, Buffer.from('3f458286848cf1e3c2e5f23a6ba0ab90f4ff', 'hex')),
    data(id, 'hello'),
    data(id, 'hello', FLAG.endStream),
    data(id, ''),
    data(id, Buffer.alloc(16_384, 1)),
    frame(FRAME.data, FLAG.padded, id, Buffer.from([2, 104, 105, 0, 0])),
    rstStream(id, 8),
    windowUpdate(id, 1000),
    frame(FRAME.priority, 0, id, Buffer.from([0, 0, 0, 0, 1])),
  ]),
  settings(),
  settings([4, 0], [1, 0]),
  settings([4, 0x7fff_ffff], [3, 1]),
  settings([1, 4096], [5, 16_384], [8, 1]),
  frame(FRAME.settings, FLAG.ack, 0),
  frame(FRAME.ping, 0, 0, 'abcdefgh'),
  frame(FRAME.ping, FLAG.ack, 0, 'abcdefgh'),
  frame(FRAME.goAway, 0, 0, Buffer.concat([uint32(1), uint32(0)])),
  windowUpdate(0, 100_000),
  frame(0x16, 0, 1, 'whatever'),
  Buffer.alloc(9),
  Buffer.from('GET / HTTP/1.1\r\n\r\n'),
]

interface Outcome {
  readonly events: readonly string[]
  readonly frames: readonly string[]
}

/** What an echoing server, or a client with a few requests out, makes of the bytes. */
function outcome(side: 'server' | 'client', pieces: readonly Buffer[], turns: 'one' | 'each'): Outcome {
  const raw = new RawSession(side, {
    streamErrorOnInvalidMessage: true,
    initialStreamWindow: 65_535,
    initialConnectionWindow: 65_535,
  })
  inBatch(() => raw.session.start())
  raw.socket.take()
  raw.answer = (stream, endStream) => {
    stream.sendResponse(200, ['x-a', 'b'], false)
    stream.sendData(Buffer.alloc(30_000, 1), endStream)
    if (!endStream) stream.sendTrailers(['a', 'b'])
  }
  if (side === 'client') {
    for (const _ of IDS) {
      const head = { method: 'POST', path: '/', authority: 'a', scheme: 'http', headers: [], protocol: '' }
      const stream = raw.openStream()
      stream.sendRequest(head, '/', 'a', false)
      stream.sendData(Buffer.alloc(30_000, 1), true)
    }
  }
  // What is queued leaves at the end of a turn: only within one is the order of all that is written the same.
  if (turns === 'each') for (const piece of pieces) raw.send(piece)
  else
    inBatch(() => {
      for (const piece of pieces) raw.session.receive(piece)
    })
  assert.ok(raw.session.activeStreams <= 1024)
  raw.session.end()
  assert.equal(raw.session.activeStreams, 0)
  return { events: joined(raw.events()), frames: raw.frames().map(describe) }
}

/** Data in as many pieces as came, as one. */
function joined(events: readonly string[]): string[] {
  const found: string[] = []
  const bytes = new Map<string, number>()
  for (const event of events) {
    const match = /^data (\d+) (\d+)( end)?$/.exec(event)
    if (match === null) {
      found.push(event)
      continue
    }
    const id = match[1]!
    bytes.set(id, (bytes.get(id) ?? 0) + Number(match[2]))
    if (match[3] !== undefined) found.push(`end ${id}`)
  }
  for (const [id, count] of bytes) found.push(`bytes ${id} ${count}`)
  return found
}

/** A seed with a few bytes changed, mostly in its head, where it matters. */
const mutated = fc
  .tuple(fc.constantFrom(...SEEDS), fc.array(fc.tuple(fc.oneof(fc.nat(12), fc.nat(60)), fc.nat(255)), { maxLength: 2 }))
  .map(([seed, changes]) => {
    const bytes = Buffer.from(seed)
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
    return bytes
  })

/** Any seeds in any order: most of it ends early. */
const wild = fc.array(
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...SEEDS) }, { weight: 1, arbitrary: mutated }),
  { maxLength: 25 },
)

/** What an honest peer might send, streams in order, and now and then something else. */
const OPERATIONS: readonly ((id: number) => Buffer)[] = [
  id => data(id, Buffer.alloc(5000, id)),
  id => data(id, 'ab', FLAG.endStream),
  id => frame(FRAME.data, FLAG.padded, id, Buffer.from([2, 104, 105, 0, 0])),
  id => headers(id, [['x-after', '1']], END),
  id => rstStream(id, 8),
  id => windowUpdate(id, 20_000),
  () => windowUpdate(0, 50_000),
  () => settings([4, 30_000]),
  () => settings([4, 500], [1, 100]),
  () => frame(FRAME.ping, 0, 0, 'abcdefgh'),
]
/** Those of them behind which nothing may follow. */
const ENDING = new Set([1, 3, 4])
const plausible = fc
  .array(
    fc.tuple(fc.nat(OPERATIONS.length + 6), fc.nat(2), fc.oneof({ weight: 30, arbitrary: fc.constant(null) }, mutated)),
    {
      maxLength: 40,
      size: 'max',
    },
  )
  .map(steps => {
    const frames: Buffer[] = []
    const open: number[] = []
    let last = -1
    for (const [operation, which, instead] of steps) {
      if (instead !== null) frames.push(instead)
      else if (operation < OPERATIONS.length && open.length > 0) {
        const at = which % open.length
        frames.push(OPERATIONS[operation]!(open[at]!))
        if (ENDING.has(operation)) open.splice(at, 1)
      } else {
        last += 2
        open.push(last)
        frames.push(headers(last, POST))
      }
    }
    return frames
  })
const stream = fc.oneof(wild, plausible)
const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 20_000 })), { maxLength: 60 })

/** `npm run fuzz` raises it. */
const FACTOR = Number(process.env['FUZZ_FACTOR'] ?? 1)

for (const side of ['server', 'client'] as const) {
  test(`any frames to a ${side}, cut anywhere`, () => {
    fc.assert(
      fc.property(stream, cuts, (frames, lengths) => {
        const opening = side === 'server' ? [PREFACE, settings()] : [settings()]
        const bytes = Buffer.concat([...opening, ...frames])
        const pieces: Buffer[] = []
        let at = 0
        for (const length of lengths) {
          if (at >= bytes.length) break
          pieces.push(Buffer.from(bytes.subarray(at, at + length)))
          at += length
        }
        pieces.push(Buffer.from(bytes.subarray(at)))
        assert.deepEqual(outcome(side, pieces, 'one'), outcome(side, [bytes], 'one'))
        outcome(side, pieces, 'each')
      }),
      { numRuns: 800 * FACTOR },
    )
  })
}

test('a peer that reads nothing makes this side keep no more than its bounds', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...SEEDS), { minLength: 20, maxLength: 60 }), frames => {
      const raw = RawSession.open('server', { streamErrorOnInvalidMessage: true, maxOutboundFrames: 200 })
      raw.socket.isReading = false
      raw.answer = stream => {
        stream.sendResponse(200, [], false)
        for (let i = 0; i < 100 && !stream.isBlocked; i++) stream.sendData(Buffer.alloc(10_000), false)
      }
      for (let i = 0; i < 20; i++) raw.send(...frames)
      assert.ok(raw.socket.writableLength < 2_000_000)
    }),
    { numRuns: 50 * FACTOR },
  )
})
