// Frames of HTTP/2 as a client might send them, with now and then one that is bent: its type, flags, stream, size or payload;
// and heads with fields that are missing, there twice, out of place or not allowed.
import fc from 'fast-check'
import { FLAG, FRAME, FRAME_HEADER_BYTES } from '../../../src/transport/http2/frame.ts'
import {
  data,
  frame,
  headers,
  type RawField,
  rstStream,
  settings,
  windowUpdate,
} from '../../../src/transport/http2/testing/raw-frames.ts'
import type { DifferentialCase } from '../case.ts'
import { Asker } from '../corpus/frames/asker.ts'
import type { Arbitrary } from './words.ts'

const END = FLAG.endHeaders | FLAG.endStream
const LISTENERS = ['frames', 'frames-alone', 'frames-alone', 'frames-limited'] as const

/** What a client that keeps to the rules may do with a stream that it has opened. */
const PIECES: readonly ((id: number) => Buffer)[] = [
  id => data(id, 'abc'),
  id => data(id, '', FLAG.endStream),
  id => data(id, 'ab', FLAG.endStream),
  id => frame(FRAME.data, FLAG.padded, id, '\x02hi\0\0'),
  id => headers(id, [['x-tail', '1']], END),
  id => rstStream(id, 8),
  id => windowUpdate(id, 1000),
]
const TRAILERS = 4
const ENDING = new Set([1, 2, TRAILERS, 5])
const APART: readonly Buffer[] = [
  windowUpdate(0, 1000),
  settings([4, 30_000]),
  settings([1, 100]),
  frame(FRAME.ping, 0, 0, 'abcdefgh'),
  frame(0x2a, 0, 0, 'what'),
]

type Change = (bytes: Buffer) => Buffer

/** How a frame is bent, and what of it: by that known differences name cases. */
interface Bend {
  readonly what: 'type' | 'flags' | 'stream' | 'size' | 'payload'
  readonly apply: Change
}

function withByte(at: number, value: number): Change {
  return bytes => {
    const changed = Buffer.from(bytes)
    if (at < changed.length) changed[at] = value
    return changed
  }
}

/** With a payload that is `by` bytes longer, or shorter, and a length that says so. */
function resized(by: number): Change {
  return bytes => {
    const length = Math.max(0, bytes.length - FRAME_HEADER_BYTES + by)
    const changed = Buffer.alloc(FRAME_HEADER_BYTES + length)
    bytes.copy(changed)
    changed.writeUIntBE(length, 0, 3)
    return changed
  }
}

const bent = (what: Bend['what'], change: Arbitrary<Change>): Arbitrary<Bend> => change.map(apply => ({ what, apply }))
const TYPES = [0, 1, 4, 5, 6, 7, 9, 0x21] as const
/** Without END_STREAM and PADDED, of which the corpus has every misuse. */
const FLAGS = [0, 4, 0x20, 0x24, 0xd0] as const
const BYTES = [0, 1, 0x20, 0x3f, 0x41, 0x7f, 0x80, 0xff] as const

const bend: Arbitrary<Bend> = fc.oneof(
  bent(
    'type',
    fc.constantFrom(...TYPES).map(type => withByte(3, type)),
  ),
  bent(
    'flags',
    fc.constantFrom(...FLAGS).map(flags => withByte(4, flags)),
  ),
  bent(
    'stream',
    fc.constantFrom(0, 2, 4).map(id => withByte(8, id)),
  ),
  bent('stream', fc.constant(withByte(5, 0x80))),
  bent('size', fc.constantFrom(-100, -3, -1, 1, 5, 20_000).map(resized)),
  bent(
    'payload',
    fc
      .record({ at: fc.nat(60), value: fc.constantFrom(...BYTES) })
      .map(({ at, value }) => withByte(FRAME_HEADER_BYTES + at, value)),
  ),
)

const ODD: readonly RawField[] = [
  ['connection', 'close'],
  ['transfer-encoding', 'chunked'],
  ['te', 'trailers'],
  ['te', 'gzip'],
  ['host', 'one.test'],
  ['host', 'b'],
  ['content-length', '3'],
  ['X-A', '1'],
  ['x a', '1'],
  ['x-a', 'a\r\nb: c'],
  ['x-a', 'a\0'],
  ['x_a', '1'],
  ['', 'a'],
  [':', 'a'],
  [':x', 'a'],
  [':path', '/9'],
  [':status', '200'],
  [':authority', 'two.test'],
  [':protocol', 'websocket'],
  ['cookie', 'a=1'],
  ['expect', '100-continue'],
  ['trailer', 'x-tail'],
]

interface Oddness {
  readonly field: RawField
  /** Where it is put; beyond the end: at the end. */
  readonly at: number
  /** Which field is left out first; beyond the end: none. */
  readonly without: number
}

const oddness: Arbitrary<Oddness> = fc.record({
  field: fc.constantFrom(...ODD),
  at: fc.nat(12),
  without: fc.constantFrom(0, 1, 2, 3, 99, 99, 99, 99, 99, 99),
})

type Step =
  | { readonly does: 'open'; readonly method: 'GET' | 'POST'; readonly odd: Oddness | null; readonly bend: Bend | null }
  | { readonly does: 'piece'; readonly which: number; readonly of: number; readonly bend: Bend | null }
  | { readonly does: 'apart'; readonly which: number; readonly bend: Bend | null }

const rarely = <T>(arbitrary: Arbitrary<T>): Arbitrary<T | null> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })

const step: Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('open' as const),
      method: fc.constantFrom('GET', 'POST', 'POST'),
      odd: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: oddness }),
      bend: rarely(bend),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant('piece' as const),
      which: fc.nat(PIECES.length - 1),
      of: fc.nat(2),
      bend: rarely(bend),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('apart' as const), which: fc.nat(APART.length - 1), bend: rarely(bend) }),
  },
)

const conversation = fc.record({
  listener: fc.constantFrom(...LISTENERS),
  host: fc.constantFrom('one', 'two'),
  steps: fc.array(step, { minLength: 1, maxLength: 10 }),
})

function framesOf(steps: readonly Step[], ask: Asker): Buffer[] {
  const open: number[] = []
  /** Their opening may have been bent into something else. */
  const doubtful = new Set<number>()
  let next = 1
  const made = (one: Step): Buffer | null => {
    if (one.does === 'apart') return APART[one.which]!
    if (one.does === 'piece') {
      if (open.length === 0) return null
      const at = one.of % open.length
      // Trailers would be a head below the highest, of which the corpus has every kind.
      if (one.which === TRAILERS && doubtful.has(open[at]!)) return null
      const bytes = PIECES[one.which]!(open[at]!)
      if (ENDING.has(one.which)) open.splice(at, 1)
      return bytes
    }
    const id = next
    next += 2
    if (one.method === 'POST') open.push(id)
    if (one.bend !== null) doubtful.add(id)
    const fields = ask.fields(id, one.method)
    if (one.odd !== null) {
      fields.splice(one.odd.without, 1)
      fields.splice(one.odd.at, 0, one.odd.field)
    }
    return headers(id, fields, one.method === 'POST' ? FLAG.endHeaders : END)
  }
  return steps.flatMap(one => {
    const bytes = made(one)
    if (bytes === null) return []
    return [one.bend === null ? bytes : one.bend.apply(bytes)]
  })
}

/** A length that a body does not have, and trailers. */
function endsShort(steps: readonly Step[]): boolean {
  const isSized = (one: Step): boolean => one.does === 'open' && one.odd?.field[0] === 'content-length'
  return steps.some(isSized) && steps.some(one => one.does === 'piece' && one.which === TRAILERS)
}

function traits(steps: readonly Step[]): string {
  const found = steps.flatMap(one => [
    ...(one.does === 'open' && one.odd !== null ? ['odd'] : []),
    ...(one.bend === null ? [] : [one.bend.what]),
  ])
  if (endsShort(steps)) return ['length', ...new Set(found)].join('-')
  return found.length === 0 ? 'straight' : [...new Set(found)].sort().join('-')
}

export function frameCases(seed: number, count: number): readonly DifferentialCase[] {
  return fc.sample(conversation, { seed, numRuns: count }).map(({ listener, host, steps }, index): DifferentialCase => {
    const name = `${listener}/generated-${traits(steps)}/${seed}.${index}`
    const frames = framesOf(steps, new Asker(`${host}.test`, name))
    return { name, listener, dialogue: { protocol: 'frames', frames }, beside: name }
  })
}
