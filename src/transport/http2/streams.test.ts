// Streams by id and state, and how connections begin and end (RFC 9113 3.4, 4, 5, 6).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FLAG, FRAME, PREFACE } from './frame.ts'
import { inBatch } from './testing/attached-session.ts'
import { block, data, frame, headers, rstStream, settings, uint32, windowUpdate } from './testing/raw-frames.ts'
import { GET, POST, RawSession } from './testing/raw-session.ts'

const END = FLAG.endHeaders | FLAG.endStream
const HEAD = { method: 'GET', path: '/', authority: 'a', scheme: 'http', headers: [], protocol: '' }

test('a server begins with settings and credit, and acknowledges the client', () => {
  const raw = new RawSession('server', { allowConnect: true })
  inBatch(() => raw.session.start())
  const opening = raw.frames()
  assert.deepEqual(
    opening.map(each => each.type),
    [FRAME.settings, FRAME.windowUpdate],
  )
  assert.equal(opening[0]?.payload.toString('hex'), '000800000001000100001000000300000400000401000000')
  raw.send(PREFACE, settings([3, 5]))
  assert.deepEqual(raw.sent(), ['settings 0 ack'])
})

test('a client begins with the preface and refuses pushes', () => {
  const raw = new RawSession('client')
  inBatch(() => raw.session.start())
  const bytes = raw.socket.take()
  assert.deepEqual(bytes.subarray(0, PREFACE.length), PREFACE)
  assert.equal(bytes.toString('hex', PREFACE.length + 9, PREFACE.length + 15), '000200000000')
})

const CONNECTION_ERRORS: Readonly<Record<string, readonly [code: number, frames: readonly Buffer[]]>> = {
  'DATA on an idle stream': [1, [data(1, 'a')]],
  'RST_STREAM on an idle stream': [1, [rstStream(1, 8)]],
  'WINDOW_UPDATE on an idle stream': [1, [windowUpdate(1, 1)]],
  'CONTINUATION without HEADERS': [1, [frame(FRAME.continuation, FLAG.endHeaders, 1, block(GET))]],
  'HEADERS on an even stream': [1, [headers(2, GET, END)]],
  'HEADERS on a lower stream': [1, [headers(5, GET, END), headers(3, GET, END)]],
  'HEADERS on stream 0': [1, [headers(0, GET, END)]],
  'DATA on stream 0': [1, [data(0, 'a')]],
  'PRIORITY on stream 0': [1, [frame(FRAME.priority, 0, 0, Buffer.alloc(5))]],
  'RST_STREAM on stream 0': [1, [rstStream(0, 8)]],
  'RST_STREAM of a wrong size': [6, [headers(1, POST), frame(FRAME.rstStream, 0, 1, 'abc')]],
  'SETTINGS on a stream': [1, [frame(FRAME.settings, 0, 1)]],
  'SETTINGS of a wrong size': [6, [frame(FRAME.settings, 0, 0, 'abc')]],
  'SETTINGS acknowledged with a payload': [6, [frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(6))]],
  'PING on a stream': [1, [frame(FRAME.ping, 0, 1, Buffer.alloc(8))]],
  'PING of a wrong size': [6, [frame(FRAME.ping, 0, 0, 'abc')]],
  'GOAWAY on a stream': [1, [frame(FRAME.goAway, 0, 1, Buffer.alloc(8))]],
  'GOAWAY too short': [6, [frame(FRAME.goAway, 0, 0, 'abc')]],
  'WINDOW_UPDATE of a wrong size': [6, [frame(FRAME.windowUpdate, 0, 0, 'abc')]],
  PUSH_PROMISE: [1, [headers(1, POST), frame(FRAME.pushPromise, FLAG.endHeaders, 1, Buffer.alloc(4))]],
  'a frame larger than was announced': [6, [frame(0x16, 0, 0, Buffer.alloc(16_385))]],
  'a block interrupted': [1, [headers(1, GET, 0), frame(FRAME.ping, 0, 0, Buffer.alloc(8))]],
  'a block interrupted by an unknown frame': [1, [headers(1, GET, 0), frame(0x16, 0, 1, 'a')]],
  'CONTINUATION behind the end of a block': [1, [headers(1, POST), frame(FRAME.continuation, 4, 1, block(GET))]],
  'a block interrupted by another': [1, [headers(1, GET, 0), frame(FRAME.continuation, FLAG.endHeaders, 3)]],
  'more padding than DATA': [1, [headers(1, POST), frame(FRAME.data, FLAG.padded, 1, Buffer.from([9, 1, 2]))]],
  'padding without DATA': [1, [headers(1, POST), frame(FRAME.data, FLAG.padded, 1)]],
  'more padding than HEADERS': [1, [frame(FRAME.headers, END | FLAG.padded, 1, Buffer.from([200, 0x82]))]],
  'HEADERS too short for their priority': [6, [frame(FRAME.headers, END | FLAG.priority, 1, 'abc')]],
  'a stream that depends on itself': [
    1,
    [frame(FRAME.headers, END | FLAG.priority, 1, Buffer.concat([uint32(1), Buffer.from([0]), block(GET)]))],
  ],
  'a block that is none': [9, [frame(FRAME.headers, END, 1, Buffer.from([0x80]))]],
  'ENABLE_PUSH of 2': [1, [settings([2, 2])]],
  'INITIAL_WINDOW_SIZE beyond 31 bits': [3, [settings([4, 0x8000_0000])]],
  'MAX_FRAME_SIZE too small': [1, [settings([5, 16_383])]],
  'MAX_FRAME_SIZE too large': [1, [settings([5, 0x100_0000])]],
  'ENABLE_CONNECT_PROTOCOL of 2': [1, [settings([8, 2])]],
  'a connection window of nothing': [1, [windowUpdate(0, 0)]],
  'a connection window beyond 31 bits': [3, [windowUpdate(0, 0x7fff_ffff)]],
}

for (const [name, [code, frames]] of Object.entries(CONNECTION_ERRORS)) {
  test(`the connection ends: ${name}`, () => {
    const raw = RawSession.open('server').send(...frames)
    assert.match(raw.events().at(-1)!, new RegExp(`^error ${code} http2`))
    assert.match(raw.sent().at(-1)!, new RegExp(`^goAway 0 \\d+ ${code}$`))
    raw.send(headers(99, GET, END))
    assert.deepEqual(raw.events(), [])
  })
}

test('what is no preface, and what does not begin with settings', () => {
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'),
    Buffer.concat([PREFACE, windowUpdate(0, 1)]),
  ]) {
    const raw = new RawSession('server').send(bytes)
    assert.match(raw.events().at(-1)!, /^error 1 http2/)
  }
})

test('frames for a stream that has ended', () => {
  for (const [late, code] of [
    [headers(1, GET, END), 5],
    [data(1, 'a'), 5],
  ] as const) {
    const raw = RawSession.open('server')
    raw.answer = stream => stream.sendResponse(204, [], true)
    raw.send(headers(1, GET, END))
    assert.deepEqual(raw.sent(), ['headers 1 end'])
    raw.send(windowUpdate(1, 1), rstStream(1, 8), frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 0, 1])))
    assert.deepEqual(raw.events().slice(1), [], 'these may still be on their way')
    raw.send(late)
    assert.deepEqual(raw.events(), [`error ${code} http2.stream_closed`])
  }
})

test('frames behind the end of a request cost the stream', () => {
  for (const late of [data(1, 'a'), headers(1, [['a', 'b']], END)]) {
    const raw = RawSession.open('server').send(headers(1, GET, END), late)
    assert.deepEqual(raw.events().slice(1), ['reset 1 5 local http2.stream_closed'])
    assert.deepEqual(raw.sent(), ['rstStream 1 5'])
  }
})

test('frames for a stream that was reset here are dropped, their fields read and their bytes credited', () => {
  const raw = RawSession.open('server', { initialConnectionWindow: 65_535 })
  raw.send(headers(1, POST))
  inBatch(() => raw.streams.get(1)!.reset(8))
  const indexed = frame(FRAME.headers, END, 1, Buffer.from('4001610162', 'hex'))
  raw.send(data(1, Buffer.alloc(16_384)), data(1, Buffer.alloc(16_384)), indexed)
  raw.send(frame(FRAME.headers, END, 3, Buffer.concat([block(GET), Buffer.from([0xbe])])))
  assert.deepEqual(raw.events(), ['request 1 POST /x', 'request 3 GET /x end'])
  assert.deepEqual(raw.heads[1]?.headers, ['a', 'b'])
  assert.deepEqual(raw.sent(), ['rstStream 1 8', 'windowUpdate 0 32768'])
})

test('frames for streams that were reset long ago are dropped as well', () => {
  const raw = RawSession.open('server')
  for (let i = 0; i < 1500; i++) {
    raw.send(headers(2 * i + 1, POST))
    raw.streams.get(2 * i + 1)!.reset(8)
  }
  raw.events()
  raw.send(data(2999, 'late'), data(1, 'later'), headers(501, [['t', '1']], END))
  assert.deepEqual(raw.events(), [])
})

test('a reset from the peer ends the stream, once', () => {
  const raw = RawSession.open('server').send(headers(1, POST), rstStream(1, 8), rstStream(1, 8))
  assert.deepEqual(raw.events(), ['request 1 POST /x', 'reset 1 8 remote http2.remote_reset'])
  raw.streams.get(1)!.sendResponse(200, [], false)
  raw.streams.get(1)!.reset(8)
  assert.deepEqual(raw.sent(), [])
  raw.send(data(1, 'a'))
  assert.deepEqual(raw.events(), ['error 5 http2.stream_closed'])
})

test('a server that has answered in full resets without losing its answer', () => {
  const raw = RawSession.open('server').send(settings([4, 10]), headers(1, POST))
  raw.sent()
  const stream = raw.streams.get(1)!
  inBatch(() => {
    stream.sendResponse(200, [], false)
    stream.sendData(Buffer.alloc(15), true)
    stream.reset(0)
  })
  assert.deepEqual(raw.sent(), ['headers 1', 'data 1 10'])
  raw.send(windowUpdate(1, 100), data(1, 'late'))
  assert.deepEqual(raw.sent(), ['data 1 5 end', 'rstStream 1 0'])
  assert.equal(raw.session.activeStreams, 0)
})

test('nothing follows an end', () => {
  const raw = RawSession.open('server').send(headers(1, POST))
  const stream = raw.streams.get(1)!
  inBatch(() => {
    stream.sendData(Buffer.alloc(0), false)
    stream.sendResponse(200, [], true)
    stream.sendResponse(200, [], true)
    stream.sendData(Buffer.from('a'), true)
    stream.sendTrailers(['a', 'b'])
  })
  assert.deepEqual(raw.sent(), ['headers 1 end'])
})

test('ids of a client go up in the order of sending, however streams were opened', () => {
  const raw = RawSession.open('client')
  const [first, second] = [raw.openStream(), raw.openStream()]
  assert.equal(raw.session.activeStreams, 2)
  inBatch(() => {
    second.sendRequest(HEAD, '/', 'a', true)
    first.sendRequest(HEAD, '/', 'a', false)
  })
  assert.deepEqual([first.id, second.id], [3, 1])
  assert.deepEqual(raw.sent(), ['headers 1 end', 'headers 3'])
  raw.openStream().reset(8)
  assert.equal(raw.session.activeStreams, 2)
  assert.deepEqual(raw.sent(), [])
})

test('a client keeps to the number of streams that the server allows', () => {
  const raw = new RawSession('client')
  assert.equal(raw.session.canOpenStream, true)
  raw.send(settings([3, 1]))
  raw.openStream().sendRequest(HEAD, '/', 'a', true)
  assert.equal(raw.session.canOpenStream, false)
  raw.send(headers(1, [[':status', '204']], END))
  assert.equal(raw.session.canOpenStream, true)
  raw.send(settings([3, 0]))
  assert.equal(raw.session.canOpenStream, false)
})

test('a client is told which requests were never processed', () => {
  const raw = RawSession.open('client')
  for (let i = 0; i < 3; i++) raw.openStream().sendRequest(HEAD, '/', 'a', true)
  const late = raw.openStream()
  raw.send(frame(FRAME.goAway, 0, 0, Buffer.concat([uint32(3), uint32(0)])))
  assert.deepEqual(raw.events(), ['reset 5 7 remote http2.goaway', 'goaway 3 0'])
  assert.equal(raw.session.canOpenStream, false)
  late.sendRequest(HEAD, '/', 'a', true)
  assert.deepEqual(raw.events(), ['reset 0 7 remote http2.goaway'])
  raw.send(headers(1, [[':status', '204']], END))
  assert.deepEqual(raw.events(), ['response 1 204  end'])
})

test('a server that goes away serves what it said it would', () => {
  const raw = RawSession.open('server').send(headers(1, GET, END))
  raw.session.goAway(0, false)
  raw.send(headers(3, GET, END))
  raw.session.goAway(0, true)
  raw.send(headers(5, POST), data(5, 'a'), headers(5, [['t', '1']], END))
  assert.deepEqual(raw.events(), ['request 1 GET /x end', 'request 3 GET /x end'])
  assert.deepEqual(raw.sent(), ['goAway 0 2147483647 0', 'goAway 0 3 0'])
})

test('an extended CONNECT, where the server announced it', () => {
  const raw = RawSession.open('client')
  assert.equal(raw.session.peerAllowsConnect, false)
  raw.send(settings([8, 1]))
  assert.equal(raw.session.peerAllowsConnect, true)
  raw.send(settings([8, 0]))
  assert.match(raw.events()[0]!, /^error 1/)
  const server = RawSession.open('server', { allowConnect: true })
  const client = RawSession.open('client')
  client.openStream().sendRequest({ ...HEAD, method: 'CONNECT', protocol: 'websocket' }, '/chat', 'a', false)
  client.openStream().sendRequest({ ...HEAD, method: 'CONNECT' }, '', 'a:1', false)
  server.send(client.socket.take())
  assert.deepEqual(
    server.heads.map(head => [head.method, head.path, head.authority, head.protocol]),
    [
      ['CONNECT', '/chat', 'a', 'websocket'],
      ['CONNECT', '', 'a:1', ''],
    ],
  )
})

test('frames that a server must not send', () => {
  for (const bad of [
    headers(1, [[':status', '200']]),
    headers(2, [[':status', '200']]),
    data(1, 'a'),
    frame(FRAME.pushPromise, FLAG.endHeaders, 1, uint32(2)),
    settings([2, 1]),
  ]) {
    const raw = RawSession.open('client').send(bad)
    assert.match(raw.events().at(-1)!, /^error 1 http2/)
  }
})

test('pings there and back', () => {
  const raw = RawSession.open('server').send(
    frame(FRAME.ping, 0, 0, 'abcdefgh'),
    frame(FRAME.ping, FLAG.ack, 0, 'unasked!'),
  )
  const [answer] = raw.frames()
  assert.equal(answer?.payload.toString(), 'abcdefgh')
  raw.session.ping()
  raw.send(frame(FRAME.ping, FLAG.ack, 0, raw.frames()[0]!.payload))
  assert.deepEqual(raw.events(), ['pong'])
})

test('the end of the socket is the end of all streams', () => {
  const raw = RawSession.open('server').send(headers(1, GET, END), headers(3, POST))
  raw.events()
  raw.session.end()
  raw.session.end()
  assert.deepEqual(raw.events(), ['reset 1 8 remote connection_termination', 'reset 3 8 remote connection_termination'])
  const failed = RawSession.open('server').send(headers(1, POST), data(7, 'a'))
  failed.session.end()
  assert.deepEqual(failed.events().slice(1), ['error 1 http2.protocol_error', 'reset 1 1 local http2.protocol_error'])
})

test('flags without meaning and the reserved bit are passed over', () => {
  const ping = frame(FRAME.ping, 0xfe, 0, 'abcdefgh')
  const update = windowUpdate(0, 0x8000_0001)
  const request = headers(0x8000_0001, GET, END | 0xc0 | 0x10)
  const raw = RawSession.open('server').send(ping, update, request)
  assert.deepEqual(raw.sent(), ['ping 0 ack'])
  assert.deepEqual(raw.events(), ['request 1 GET /x end'])
})

test('a PRIORITY that has a stream depend on itself costs the stream', () => {
  const raw = RawSession.open('server').send(headers(1, POST))
  raw.send(frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 1, 9])))
  assert.deepEqual(raw.sent(), ['rstStream 1 1'])
})

test('PRIORITY is read no further than its size', () => {
  const raw = RawSession.open('server')
  raw.send(frame(FRAME.priority, 0, 3, Buffer.from([0, 0, 0, 1, 9])), headers(3, POST))
  raw.send(frame(FRAME.priority, 0, 3, 'abc'))
  assert.deepEqual(raw.events(), ['request 3 POST /x', 'reset 3 6 local http2.frame_size_error'])
})

test('padding and priority of HEADERS are cut off, blocks in pieces joined', () => {
  const raw = RawSession.open('server')
  const fields = block(GET)
  const first = Buffer.concat([Buffer.from([3]), uint32(0), Buffer.from([16]), fields.subarray(0, 20), Buffer.alloc(3)])
  raw.send(frame(FRAME.headers, FLAG.endStream | FLAG.padded | FLAG.priority, 1, first))
  raw.send(frame(FRAME.continuation, 0, 1, fields.subarray(20, 25)))
  raw.send(frame(FRAME.continuation, FLAG.endHeaders, 1, fields.subarray(25)))
  assert.deepEqual(raw.events(), ['request 1 GET /x end'])
})
