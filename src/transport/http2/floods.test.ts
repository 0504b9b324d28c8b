// One test an attack: what costs its sender nothing must not cost this side without bound.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FLAG, FRAME } from './frame.ts'
import { block, data, frame, headers, type RawField, rstStream, settings, windowUpdate } from './testing/raw-frames.ts'
import { GET, POST, RawSession } from './testing/raw-session.ts'

const END = FLAG.endHeaders | FLAG.endStream

/** The same frame until the session gives up; how many it took, and the error. */
function untilRefused(
  raw: RawSession,
  most: number,
  make: (index: number) => Buffer,
): readonly [count: number, error: string] {
  for (let i = 1; i <= most; i++) {
    raw.send(make(i))
    const error = raw.events().find(event => event.startsWith('error'))
    if (error !== undefined) return [i, error]
  }
  return [most, '']
}

const ping = (): Buffer => frame(FRAME.ping, 0, 0, 'weftweft')

test('PING and SETTINGS that nobody reads the answers to', () => {
  for (const make of [ping, () => settings()]) {
    const raw = RawSession.open('server')
    raw.socket.isReading = false
    blockSocket(raw)
    assert.deepEqual(untilRefused(raw, 2000, make), [1001, 'error 11 http2.outbound_control_frames_flood'])
  }
})

test('a peer that reads may ping as it likes', () => {
  const raw = RawSession.open('server').send(...Array.from({ length: 5000 }, ping))
  assert.deepEqual(raw.events(), [])
  assert.equal(raw.frames().length, 5000)
})

test('responses that nobody reads', () => {
  const raw = RawSession.open('server', { maxOutboundFrames: 50, maxConcurrentStreams: 1000 })
  blockSocket(raw)
  raw.answer = stream => stream.sendResponse(204, [], true)
  const [count, error] = untilRefused(raw, 100, i => headers(2 * i + 1, GET, END))
  assert.ok(count <= 50)
  assert.equal(error, 'error 11 http2.outbound_frames_flood')
})

test('frames that carry nothing', () => {
  const raw = RawSession.open('server').send(headers(1, POST))
  assert.deepEqual(
    untilRefused(raw, 5, () => data(1, '')),
    [2, 'error 11 http2.inbound_empty_frames_flood'],
  )
  const padded = RawSession.open('server').send(headers(1, POST))
  const padding = frame(FRAME.data, FLAG.padded, 1, Buffer.from([3, 0, 0, 0]))
  assert.deepEqual(
    untilRefused(padded, 5, () => padding),
    [2, 'error 11 http2.inbound_empty_frames_flood'],
  )
  const header = RawSession.open('server').send(frame(FRAME.headers, 0, 1))
  assert.deepEqual(
    untilRefused(header, 5, () => frame(FRAME.continuation, 0, 1)),
    [1, 'error 11 http2.inbound_empty_frames_flood'],
  )
  const mixed = RawSession.open('server').send(
    headers(1, POST),
    data(1, ''),
    data(1, 'a'),
    data(1, ''),
    data(1, '', FLAG.endStream),
  )
  assert.equal(mixed.events().at(-1), 'data 1 0 end')
})

test('PRIORITY', () => {
  const raw = RawSession.open('server', { maxInboundPriorityFramesPerStream: 10 })
  const priority = (i: number): Buffer => frame(FRAME.priority, 0, 2 * i + 1, Buffer.from([0, 0, 0, 0, 1]))
  assert.deepEqual(untilRefused(raw, 100, priority), [11, 'error 11 http2.inbound_priority_frames_flood'])
})

test('WINDOW_UPDATE', () => {
  const raw = RawSession.open('server')
  assert.deepEqual(
    untilRefused(raw, 100, () => windowUpdate(0, 1)),
    [6, 'error 11 http2.inbound_window_update_frames_flood'],
  )
})

test('CONTINUATION without end (CVE-2024-27316), in bytes and in frames', () => {
  const large = Buffer.alloc(16_384, block([['x', 'y']]))
  const raw = RawSession.open('server', { maxHeaderListBytes: 8192 }).send(frame(FRAME.headers, 0, 1, block(GET)))
  const [count, error] = untilRefused(raw, 100, () => frame(FRAME.continuation, 0, 1, large))
  assert.ok(count <= 3)
  assert.equal(error, 'error 11 http2.inbound_continuation_frames_flood')
  const tiny = RawSession.open('server', { maxHeaderListBytes: 8192 }).send(frame(FRAME.headers, 0, 1, block(GET)))
  const [frames, again] = untilRefused(tiny, 1000, () => frame(FRAME.continuation, 0, 1, block([['x', 'y']])))
  assert.ok(frames < 100)
  assert.equal(again, error)
})

test('a small block that unfolds to a large list', () => {
  const raw = RawSession.open('server', { maxFieldCount: 1_000_000 })
  const entry = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xd1, 0x1e]), Buffer.alloc(4000 - 16, 97)])
  const payload = Buffer.concat([block(GET), entry.subarray(0, 6), Buffer.alloc(127 + 0x51 + (0x1e << 7), 97)])
  raw.send(frame(FRAME.headers, END, 1, Buffer.concat([payload, Buffer.alloc(10_000, 0xbe)])))
  assert.deepEqual(raw.events(), ['refused 2 http2.header_list_size_too_large'])
  raw.send(headers(3, GET, END))
  assert.deepEqual(raw.events(), ['request 3 GET /x end'], 'the table is still in step')
})

test('rapid reset (CVE-2023-44487): streams are freed; their owner limits them', () => {
  const raw = RawSession.open('server', { maxConcurrentStreams: 10 })
  for (let i = 0; i < 300; i++) raw.send(headers(2 * i + 1, GET, END), rstStream(2 * i + 1, 8))
  assert.equal(raw.session.activeStreams, 0)
})

test('streams that this side is made to reset (CVE-2025-8671)', () => {
  const raw = RawSession.open('server', { streamErrorOnInvalidMessage: true })
  const bad: RawField[] = [...GET, ['connection', 'x']]
  const [count, error] = untilRefused(raw, 1000, i => headers(2 * i + 1, bad, END))
  assert.deepEqual([count, error], [251, 'error 11 http2.inbound_stream_errors_flood'])
})

test('more streams than were announced', () => {
  const raw = RawSession.open('server', { maxConcurrentStreams: 2 })
  raw.send(headers(1, GET, END), headers(3, GET, END), headers(5, GET, END))
  assert.deepEqual(raw.events(), [
    'request 1 GET /x end',
    'request 3 GET /x end',
    'refused 7 http2.max_concurrent_streams',
  ])
  assert.deepEqual(raw.sent(), ['rstStream 5 7'])
  raw.streams.get(1)!.sendResponse(204, [], true)
  raw.send(headers(7, GET, END))
  assert.deepEqual(raw.events(), ['request 7 GET /x end'])
  for (let id = 9; id < 2009; id += 2) raw.send(headers(id, POST), data(id, 'a'))
  assert.equal(raw.events().length, 1000, 'a burst before the limit was known is no attack')
})

test('frames of unknown types are passed over, and so are unknown settings', () => {
  const raw = RawSession.open('server').send(
    frame(0x16, 0xff, 7, 'whatever'),
    settings([0x99, 1]),
    headers(1, GET, END),
  )
  assert.deepEqual(raw.events(), ['request 1 GET /x end'])
  assert.deepEqual(raw.sent(), ['settings 0 ack'])
})

test('a window that hangs by a thread keeps no more than the stream was fed', () => {
  const raw = RawSession.open('server').send(settings([4, 0]), headers(1, GET, END))
  const stream = raw.streams.get(1)!
  stream.sendResponse(200, [], false)
  let fed = 0
  while (!stream.isBlocked) {
    stream.sendData(Buffer.alloc(1000), false)
    fed += 1000
  }
  assert.equal(fed, 66_000)
  raw.send(windowUpdate(1, 40_000))
  assert.deepEqual(raw.events(), ['request 1 GET /x end', 'drained 1'])
})

/** Has the socket's own queue run full. */
function blockSocket(raw: RawSession): void {
  raw.socket.isReading = false
  raw.send(windowUpdate(0, 1_000_000), headers(1, GET, END), windowUpdate(1, 1_000_000))
  const stream = raw.streams.get(1)!
  stream.sendResponse(200, [], false)
  stream.sendData(Buffer.alloc(200_000), true)
  raw.events()
  assert.ok(raw.socket.writableLength >= 65_536)
}
