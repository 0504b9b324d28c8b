// What is a request or a response, and what is none (RFC 9113 8): the answers are those of Envoy 1.40 to the same bytes,
// where it has an opinion.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FIELD } from '../http/field-name.ts'
import { FLAG } from './frame.ts'
import { block, data, frame, headers, type RawField } from './testing/raw-frames.ts'
import { GET, POST, RawSession } from './testing/raw-session.ts'
import { FINE, MALFORMED, without } from './testing/request-cases.ts'
import { NO_RESPONSES, RESPONSES } from './testing/response-cases.ts'

const END = FLAG.endHeaders | FLAG.endStream
const MESSAGING = 'http2.violation.of.messaging.rule'

for (const [name, [fields, details]] of Object.entries(MALFORMED)) {
  test(`malformed: ${name}`, () => {
    const strict = RawSession.open('server').send(headers(1, fields, END))
    assert.deepEqual(strict.events(), [`lost 1 ${details}`, `error 1 ${details}`])
    assert.deepEqual(strict.sent(), ['goAway 0 1 1'])
    strict.send(headers(3, GET, END))
    assert.deepEqual(strict.events(), [], 'nothing more is parsed')

    const lenient = RawSession.open('server', { streamErrorOnInvalidMessage: true })
    lenient.send(headers(1, fields, END), headers(3, GET, END))
    assert.deepEqual(lenient.events(), [`refused 1 ${details}`, 'request 3 GET /x end'])
    assert.deepEqual(lenient.sent(), ['rstStream 1 1'])
  })
}

test('a malformed message is malformed each time its fields come from the table', () => {
  const raw = RawSession.open('server', { streamErrorOnInvalidMessage: true })
  const bad = Buffer.concat([block(GET), Buffer.from('4001580161', 'hex')])
  const again = Buffer.concat([block(GET), Buffer.from('be', 'hex')])
  raw.send(frame(1, END, 1, bad), frame(1, END, 3, again))
  assert.deepEqual(raw.sent(), ['rstStream 1 1', 'rstStream 3 1'])
})

for (const [name, fields] of Object.entries(FINE)) {
  test(`taken: ${name}`, () => {
    const raw = RawSession.open('server').send(headers(1, fields, END))
    assert.equal(raw.heads.length, 1)
    assert.deepEqual(raw.sent(), [])
  })
}

test('a head has its parts, interned names and their bits', () => {
  const raw = RawSession.open('server', { allowConnect: true })
  const fields: RawField[] = [
    [':method', 'CONNECT'],
    [':scheme', 'https'],
    [':path', '/chat'],
    [':authority', 'a:443'],
    [':protocol', 'websocket'],
    ['cookie', 'a=1'],
    ['x-request-id', ' 7 '],
    ['cookie', 'b=2'],
    ['host', 'other'],
  ]
  let bits = 0
  const { onRequest } = raw
  raw.onRequest = function (stream, head, seen, endStream) {
    bits = seen
    return onRequest.call(this, stream, head, seen, endStream)
  }
  raw.send(headers(1, fields))
  assert.deepEqual(raw.heads, [
    {
      method: 'CONNECT',
      path: '/chat',
      authority: 'a:443',
      scheme: 'https',
      headers: ['cookie', 'a=1; b=2', 'x-request-id', '7'],
      protocol: 'websocket',
    },
  ])
  assert.equal(bits, FIELD.requestId | FIELD.host)
})

test('host stands in for the authority', () => {
  const raw = RawSession.open('server').send(headers(1, [...without(':authority'), ['host', 'b:80']], END))
  assert.equal(raw.heads[0]?.authority, 'b:80')
})

test('too many fields, or too large ones, cost their stream', () => {
  const many = Array.from({ length: 97 }, (_, i): RawField => [`x${i}`, 'y'])
  const raw = RawSession.open('server')
  raw.send(headers(1, [...GET, ...many], END), headers(3, [...GET, ...many.slice(1)], END))
  raw.send(headers(5, [...GET, ...Array.from({ length: 97 }, (_, i): RawField => ['cookie', `c${i}`])], END))
  assert.deepEqual(raw.events(), [
    'refused 2 http2.too_many_headers',
    'request 3 GET /x end',
    'refused 2 http2.too_many_headers',
  ])
  assert.deepEqual(raw.sent(), ['rstStream 1 2', 'rstStream 5 2'])
  const small = RawSession.open('server', { maxHeaderListBytes: 100 })
  small.send(headers(1, [...GET, ['x', 'y'.repeat(100)]], END), headers(3, GET, END))
  assert.deepEqual(small.events(), ['refused 2 http2.header_list_size_too_large', 'request 3 GET /x end'])
})

test('content-length tells no lie', () => {
  const post: RawField[] = [...POST, ['content-length', '3']]
  const right = RawSession.open('server').send(headers(1, post), data(1, 'ab'), data(1, 'c', FLAG.endStream))
  assert.deepEqual(right.events(), ['request 1 POST /x', 'data 1 2', 'data 1 1 end'])
  for (const bodies of [
    [data(1, 'ab', FLAG.endStream)],
    [data(1, 'abcd')],
    [data(1, 'abc'), data(1, 'd', FLAG.endStream)],
    [data(1, 'ab'), headers(1, [['t', '1']], END)],
  ]) {
    const raw = RawSession.open('server').send(headers(1, post), ...bodies)
    assert.deepEqual(raw.events().at(-1), `reset 1 1 local ${MESSAGING}`)
    assert.deepEqual(raw.sent(), ['rstStream 1 1'])
  }
})

test('trailers end a request, and are checked as heads are', () => {
  const fine = RawSession.open('server').send(headers(1, POST), data(1, 'a'), headers(1, [['t', '1']], END))
  assert.deepEqual(fine.events(), ['request 1 POST /x', 'data 1 1', 'trailers 1 t|1'])
  for (const bad of [
    headers(1, [['t', '1']], FLAG.endHeaders),
    headers(1, [[':path', '/']], END),
    headers(1, [['T', '1']], END),
    headers(1, [['connection', 'x']], END),
  ]) {
    const raw = RawSession.open('server', { streamErrorOnInvalidMessage: true }).send(headers(1, POST), bad)
    assert.match(raw.events().at(-1)!, /^reset 1 1 local http2/)
    assert.deepEqual(raw.sent(), ['rstStream 1 1'])
  }
})

function client(method: string): RawSession {
  const raw = RawSession.open('client', { streamErrorOnInvalidMessage: true })
  const stream = raw.openStream()
  stream.sendRequest({ method, path: '/', authority: 'a', scheme: 'http', headers: [], protocol: '' }, '/', 'a', true)
  raw.sent()
  return raw
}

test('responses: interim ones, the final one, trailers', () => {
  const raw = client('GET').send(
    headers(1, [
      [':status', '103'],
      ['link', 'x'],
    ]),
    headers(1, [
      [':status', '200'],
      ['content-length', '2'],
    ]),
    data(1, 'ab'),
    headers(1, [['grpc-status', '0']], END),
  )
  assert.deepEqual(raw.events(), [
    'response 1 103 link|x',
    'response 1 200 content-length|2',
    'data 1 2',
    'trailers 1 grpc-status|0',
  ])
  assert.equal(raw.session.activeStreams, 0)
})

for (const [name, frames] of Object.entries(NO_RESPONSES)) {
  test(`no response: ${name}`, () => {
    const raw = client('GET').send(...frames)
    assert.match(raw.events().at(-1)!, /^reset 1 1 local http2/)
    assert.deepEqual(raw.sent(), ['rstStream 1 1'])
  })
}

test('a response with too many fields, in head or trailers', () => {
  const many = Array.from({ length: 101 }, (_, i): RawField => [`x${i}`, 'y'])
  const head = client('GET').send(headers(1, [[':status', '200'], ...many]))
  assert.deepEqual(head.events(), ['reset 1 2 local http2.too_many_headers'])
  const trailers = client('GET').send(headers(1, [[':status', '200']]), headers(1, many, END))
  assert.deepEqual(trailers.events().at(-1), 'reset 1 2 local http2.too_many_headers')
})

test('what answers a CONNECT has the length that it has', () => {
  const raw = client('CONNECT').send(
    headers(1, [
      [':status', '200'],
      ['content-length', '1'],
    ]),
    data(1, 'abc'),
  )
  assert.deepEqual(raw.events(), ['response 1 200 content-length|1', 'data 1 3'])
})

for (const [name, frames] of Object.entries(RESPONSES)) {
  test(`a response: ${name}`, () => {
    const raw = client('GET').send(...frames)
    assert.match(raw.events()[0]!, /^response 1/)
    assert.deepEqual(raw.sent(), [])
    assert.equal(raw.session.activeStreams, 0)
  })
}

test('a response without body may say how long it would be', () => {
  const head = client('HEAD').send(
    headers(
      1,
      [
        [':status', '200'],
        ['content-length', '9'],
      ],
      END,
    ),
  )
  assert.deepEqual(head.events(), ['response 1 200 content-length|9 end'])
  const notModified = client('GET').send(
    headers(
      1,
      [
        [':status', '304'],
        ['content-length', '9'],
      ],
      END,
    ),
  )
  assert.deepEqual(notModified.events(), ['response 1 304 content-length|9 end'])
  const body = client('HEAD').send(
    headers(1, [
      [':status', '200'],
      ['content-length', '9'],
    ]),
    data(1, 'a'),
  )
  assert.match(body.events().at(-1)!, /^reset 1 1 local/)
})

test('trailers lose what frames, routes or authenticates, as in HTTP/1.1', () => {
  const raw = RawSession.open('server')
  const trailers: RawField[] = [
    ['x-forwarded-for', '1.2.3.4'],
    ['x-envoy-attempt-count', '9'],
    ['host', 'b'],
    ['x-sum', '1'],
  ]
  raw.send(headers(1, POST), headers(1, trailers, END))
  assert.equal(raw.events().at(-1), 'trailers 1 x-sum|1')
})

test('a CONNECT has no content: its length is dropped, and nothing is counted by it', () => {
  const raw = RawSession.open('server')
  const connect: RawField[] = [
    [':method', 'CONNECT'],
    [':authority', 'a:1'],
    ['content-length', '1'],
  ]
  raw.send(headers(1, connect), data(1, 'abc', FLAG.endStream))
  assert.deepEqual(raw.heads[0]?.headers, [])
  assert.deepEqual(raw.sent(), [])
})
