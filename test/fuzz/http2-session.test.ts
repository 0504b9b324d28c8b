// Frames at random, near to valid ones, broken and cut anywhere: nothing throws, what comes of them does not depend on how
// the bytes were cut, and what is kept stays bounded.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FLAG, FRAME, PREFACE } from '../../src/transport/http2/frame.ts'
import { inBatch } from '../../src/transport/http2/testing/attached-session.ts'
import {
  data,
  describe,
  frame,
  headers,
  rstStream,
  settings,
  windowUpdate,
} from '../../src/transport/http2/testing/raw-frames.ts'
import { POST, RawSession } from '../../src/transport/http2/testing/raw-session.ts'
import { corpus, fuzz, inPieces, mutations } from './fuzz.ts'

/** Of a frame's head, and in it the stream's id. */
const HEAD_BYTES = 9
const ID_AT = 5
const END = FLAG.endHeaders | FLAG.endStream

/** Streams that most seeds speak of. */
const IDS = [1, 3, 5, 7]

/** The corpus speaks of stream 1. */
const SEEDS: readonly Buffer[] = corpus('http2-session').flatMap(seed =>
  seed.length >= HEAD_BYTES && seed.readUInt32BE(ID_AT) === 1 ? IDS.map(id => ofStream(seed, id)) : [seed],
)

function ofStream(seed: Buffer, id: number): Buffer {
  const bytes = Buffer.from(seed)
  bytes.writeUInt32BE(id, ID_AT)
  return bytes
}

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

const mutated = mutations(SEEDS)

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

for (const side of ['server', 'client'] as const) {
  const opening = side === 'server' ? [PREFACE, settings()] : [settings()]
  fuzz(`http2-session: any frames to a ${side}, cut anywhere`, 800, fc.tuple(stream, cuts), ([frames, lengths]) => {
    const bytes = Buffer.concat([...opening, ...frames])
    const pieces = inPieces(bytes, lengths)
    assert.deepEqual(outcome(side, pieces, 'one'), outcome(side, [bytes], 'one'))
    outcome(side, pieces, 'each')
  })
}

const many = fc.array(fc.constantFrom(...SEEDS), { minLength: 20, maxLength: 60 })
fuzz('http2-session: a peer that reads nothing makes this side keep no more than its bounds', 50, many, frames => {
  const raw = RawSession.open('server', { streamErrorOnInvalidMessage: true, maxOutboundFrames: 200 })
  raw.socket.isReading = false
  raw.answer = stream => {
    stream.sendResponse(200, [], false)
    for (let i = 0; i < 100 && !stream.isBlocked; i++) stream.sendData(Buffer.alloc(10_000), false)
  }
  for (let i = 0; i < 20; i++) raw.send(...frames)
  assert.ok(raw.socket.writableLength < 2_000_000)
})
