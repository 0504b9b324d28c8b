// Windows of both directions (RFC 9113 5.2, 6.9).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FLAG, FRAME } from './frame.ts'
import type { Http2Stream } from './stream.ts'
import { inBatch } from './testing/attached-session.ts'
import { data, frame, headers, settings, windowUpdate } from './testing/raw-frames.ts'
import { GET, POST, RawSession } from './testing/raw-session.ts'

const END = FLAG.endHeaders | FLAG.endStream

/** A server with `count` streams whose responses have begun. */
function responding(count: number, raw = RawSession.open('server')): readonly [RawSession, Http2Stream[]] {
  for (let i = 0; i < count; i++) raw.send(headers(2 * i + 1, GET, END))
  const streams = [...raw.streams.values()]
  for (const stream of streams) stream.sendResponse(200, [], false)
  raw.events()
  raw.sent()
  return [raw, streams]
}

test('data goes as far as the windows of stream and connection reach', () => {
  const [raw, [stream]] = responding(1)
  stream!.sendData(Buffer.alloc(100_000), true)
  assert.deepEqual(raw.sent(), ['data 1 16384', 'data 1 16384', 'data 1 16384', 'data 1 16383'])
  raw.send(windowUpdate(1, 100_000))
  assert.deepEqual(raw.sent(), [])
  raw.send(windowUpdate(0, 34_000))
  assert.deepEqual(raw.sent(), ['data 1 16384', 'data 1 16384', 'data 1 1232'])
  raw.send(windowUpdate(0, 465))
  assert.deepEqual(raw.sent(), ['data 1 465 end'])
})

test('streams take turns', () => {
  const [raw, [one, two, three]] = responding(3)
  inBatch(() => {
    one!.sendData(Buffer.alloc(33_000), true)
    two!.sendData(Buffer.alloc(20_000), true)
    three!.sendData(Buffer.alloc(100), true)
  })
  assert.deepEqual(raw.sent(), [
    'data 1 16384',
    'data 3 16384',
    'data 5 100 end',
    'data 1 16384',
    'data 3 3616 end',
    'data 1 232 end',
  ])
})

test('a stream without window keeps nobody up', () => {
  const [raw, [one, two]] = responding(2, RawSession.open('server').send(settings([4, 10])))
  one!.sendData(Buffer.alloc(50), true)
  two!.sendData(Buffer.alloc(5), true)
  assert.deepEqual(raw.sent(), ['data 1 10', 'data 3 5 end'])
  raw.send(windowUpdate(1, 15))
  assert.deepEqual(raw.sent(), ['data 1 15'])
})

test('small pieces are joined to one frame', () => {
  const [raw, [stream]] = responding(1, RawSession.open('server').send(settings([4, 0])))
  for (let i = 0; i < 200; i++) stream!.sendData(Buffer.from([i]), i === 199)
  raw.send(windowUpdate(1, 1000))
  const [only, ...rest] = raw.frames()
  assert.deepEqual(only?.payload, Buffer.from(Array.from({ length: 200 }, (_, i) => i)))
  assert.equal(rest.length, 0)
  assert.equal(only?.flags, FLAG.endStream)
})

test('trailers wait for the data before them', () => {
  const [raw, [stream]] = responding(1, RawSession.open('server').send(settings([4, 10])))
  stream!.sendData(Buffer.alloc(20), false)
  stream!.sendTrailers(['grpc-status', '0'])
  assert.deepEqual(raw.sent(), ['data 1 10'])
  raw.send(windowUpdate(1, 10))
  assert.deepEqual(raw.sent(), ['data 1 10', 'headers 1 end'])
  assert.equal(raw.session.activeStreams, 0)
})

test('an end needs no window', () => {
  const [raw, [stream]] = responding(1, RawSession.open('server').send(settings([4, 0])))
  stream!.sendData(Buffer.alloc(0), true)
  assert.deepEqual(raw.sent(), ['data 1 0 end'])
})

test('INITIAL_WINDOW_SIZE moves the windows of open streams, below zero too', () => {
  const [raw, [stream]] = responding(1, RawSession.open('server').send(settings([4, 100])))
  stream!.sendData(Buffer.alloc(300), true)
  assert.deepEqual(raw.sent(), ['data 1 100'])
  raw.send(settings([4, 40]))
  raw.send(windowUpdate(1, 60))
  assert.deepEqual(raw.sent(), ['settings 0 ack'], 'the window is at zero')
  raw.send(settings([4, 50]))
  assert.deepEqual(raw.sent(), ['settings 0 ack', 'data 1 10'])
  raw.send(settings([4, 0x7fff_ffff]), settings([4, 1000]))
  assert.deepEqual(raw.sent(), ['settings 0 ack', 'settings 0 ack', 'data 1 190 end'])
})

test('windows that outgrow 31 bits', () => {
  const [raw] = responding(1)
  raw.send(windowUpdate(1, 0x7fff_ffff))
  assert.deepEqual(raw.events(), ['reset 1 3 local http2.flow_control_error'])
  const [settled] = responding(1)
  settled.send(windowUpdate(1, 1000), settings([4, 0x7fff_ffff]))
  assert.deepEqual(settled.events(), ['error 3 http2.flow_control_error'])
  const [zero] = responding(1)
  zero.send(windowUpdate(1, 0))
  assert.deepEqual(zero.events(), ['reset 1 1 local http2.protocol_error'])
})

const SMALL = { initialStreamWindow: 65_535, initialConnectionWindow: 131_070 }
const CHUNK = Buffer.alloc(16_000)

test('what was received is credited by the half window, padding included', () => {
  const raw = RawSession.open('server', SMALL).send(headers(1, POST))
  raw.send(data(1, CHUNK), data(1, CHUNK))
  assert.deepEqual(raw.sent(), [])
  raw.send(frame(FRAME.data, FLAG.padded, 1, Buffer.concat([Buffer.from([255]), CHUNK, Buffer.alloc(255)])))
  assert.deepEqual(raw.sent(), ['windowUpdate 1 48256'])
  raw.send(data(1, CHUNK), data(1, CHUNK))
  assert.deepEqual(raw.sent(), ['windowUpdate 0 80256'])
})

test('the end of a stream is no reason to credit it', () => {
  const raw = RawSession.open('server', SMALL).send(headers(1, POST))
  raw.send(data(1, CHUNK), data(1, CHUNK), data(1, CHUNK, FLAG.endStream))
  assert.deepEqual(raw.sent(), [])
})

test('a paused stream gets no credit until it goes on', () => {
  const raw = RawSession.open('server', SMALL).send(headers(1, POST))
  const stream = raw.streams.get(1)!
  stream.pause()
  raw.send(data(1, CHUNK), data(1, CHUNK), data(1, CHUNK), data(1, CHUNK))
  assert.deepEqual(raw.sent(), [])
  raw.send(data(1, Buffer.alloc(1536)))
  assert.deepEqual(raw.events().at(-1), 'reset 1 3 local http2.flow_control_error', 'the peer had no more credit')
  const other = RawSession.open('server', SMALL).send(headers(1, POST))
  other.streams.get(1)!.pause()
  other.send(data(1, CHUNK), data(1, CHUNK), data(1, CHUNK))
  other.streams.get(1)!.resume()
  assert.deepEqual(other.sent(), ['windowUpdate 1 48000'])
})

test('one paused stream leaves the connection to the others; many of them do not', () => {
  const settingsOf = { initialStreamWindow: 65_535, initialConnectionWindow: 65_535 }
  const raw = RawSession.open('server', settingsOf)
  for (const id of [1, 3, 5]) {
    raw.send(headers(id, POST))
    raw.streams.get(id)!.pause()
  }
  raw.send(data(1, CHUNK), data(1, CHUNK), data(1, CHUNK))
  assert.deepEqual(raw.sent(), ['windowUpdate 0 48000'])
  raw.send(data(3, CHUNK), data(3, CHUNK), data(3, CHUNK))
  assert.deepEqual(raw.sent(), [], 'more than a connection window waits')
  raw.streams.get(1)!.reset(8)
  assert.deepEqual(raw.sent(), ['rstStream 1 8', 'windowUpdate 0 48000'])
})

test('more data than the connection was credited', () => {
  const raw = RawSession.open('server', { initialStreamWindow: 1 << 20, initialConnectionWindow: 65_535 })
  raw.send(headers(1, POST), headers(3, POST), headers(5, POST))
  for (const stream of raw.streams.values()) stream.pause()
  for (const id of [1, 3, 5, 1, 3, 5, 1, 3, 5]) raw.send(data(id, CHUNK))
  assert.deepEqual(raw.events().at(-1), 'error 3 http2.flow_control_error')
})

test('nothing but what must be is written to a socket that is full', () => {
  const [raw, [one, two]] = responding(2)
  raw.send(windowUpdate(0, 1 << 20), windowUpdate(1, 1 << 20))
  raw.socket.isReading = false
  one!.sendData(Buffer.alloc(300_000), false)
  assert.equal(one!.isBlocked, true)
  const waiting = raw.socket.writableLength
  assert.ok(waiting < 150_000)
  two!.sendData(Buffer.from('small'), true)
  raw.send(frame(FRAME.ping, 0, 0, 'abcdefgh'))
  assert.equal(raw.socket.writableLength, waiting + 17, 'the answer to a ping')
  raw.socket.isReading = true
  raw.socket.read()
  inBatch(() => raw.session.drained())
  assert.equal(one!.isBlocked, false)
  const frames = raw.sent()
  assert.equal(
    frames.reduce((sum, each) => sum + (each.startsWith('data 1') ? Number(each.split(' ')[2]) : 0), 0),
    300_000,
  )
  assert.ok(frames.includes('data 3 5 end'))
  assert.deepEqual(raw.events(), ['drained 1'])
})

test('larger blocks than a frame leave as HEADERS and CONTINUATION', () => {
  const [raw, [stream]] = responding(1, RawSession.open('server'))
  stream!.sendTrailers(Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? `x${i}` : '\xff'.repeat(1000))))
  const frames = raw.frames()
  assert.deepEqual(
    frames.map(each => each.type),
    [FRAME.headers, FRAME.continuation],
  )
  assert.deepEqual(
    frames.map(each => each.flags),
    [FLAG.endStream, FLAG.endHeaders],
  )
})
