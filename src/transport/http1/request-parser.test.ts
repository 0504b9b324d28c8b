// Requests in every cut: what is taken, what is refused and with which details, however the bytes are split.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeaderList } from '../header-list.ts'
import { FIELD } from '../http/field-name.ts'
import type { CodecError } from './codec-error.ts'
import type { MessageHandler } from './message-parser.ts'
import { RequestParser } from './request-parser.ts'

const LIMITS = { maxHeadBytes: 1024, maxFieldCount: 20, trailers: true, keepsSpelling: false }

/** Collects events as text; body pieces are joined, so that the same bytes give the same outcome in any cut. */
class Recorder implements MessageHandler {
  readonly parser = new RequestParser(this, LIMITS)
  readonly events: string[] = []
  #body = ''

  onHead(endStream: boolean): void {
    const { method, path, authority, scheme, headers } = this.parser.head
    this.events.push(
      `${method} ${scheme || '-'} ${authority} ${path} ${JSON.stringify(headers)}${endStream ? ' end' : ''}`,
    )
    if (endStream) this.parser.next()
  }

  onBody(chunk: Buffer, endStream: boolean): void {
    this.#body += chunk.toString('latin1')
    if (!endStream) return
    this.events.push(`body ${this.#body}`)
    this.#body = ''
    this.parser.next()
  }

  onTrailers(trailers: HeaderList): void {
    this.events.push(`body ${this.#body}`, `trailers ${JSON.stringify(trailers)}`)
    this.#body = ''
    this.parser.next()
  }

  onProtocolError(error: CodecError): void {
    this.events.push(`${error.status} ${error.details}`)
  }
}

function parseWhole(text: string): string[] {
  const recorder = new Recorder()
  recorder.parser.execute(Buffer.from(text, 'latin1'))
  return recorder.events
}

/** The outcome, which must be the same in two parts cut anywhere, and byte by byte. */
function parse(text: string): string[] {
  const bytes = Buffer.from(text, 'latin1')
  const whole = parseWhole(text)
  for (let cut = 1; cut < bytes.length; cut++) {
    const recorder = new Recorder()
    recorder.parser.execute(Buffer.from(bytes.subarray(0, cut)))
    recorder.parser.execute(Buffer.from(bytes.subarray(cut)))
    assert.deepEqual(recorder.events, whole, `cut at ${cut}`)
  }
  const recorder = new Recorder()
  for (const byte of bytes) recorder.parser.execute(Buffer.from([byte]))
  assert.deepEqual(recorder.events, whole, 'byte by byte')
  return whole
}

const good: Record<string, [string, string[]]> = {
  'a plain GET': ['GET /a?b=c HTTP/1.1\r\nHost: x.y:80\r\n\r\n', ['GET - x.y:80 /a?b=c [] end']],
  'names in lower case, values trimmed': [
    'GET / HTTP/1.1\r\nHost: x\r\nX-A:\t v 1 \t\r\nAccept:*/*\r\nx-empty:\r\n\r\n',
    ['GET - x / ["x-a","v 1","accept","*/*","x-empty",""] end'],
  ],
  'repeated fields, in order': [
    'GET / HTTP/1.1\r\nhost: x\r\ncookie: a\r\nb: 1\r\ncookie: c\r\n\r\n',
    ['GET - x / ["cookie","a","b","1","cookie","c"] end'],
  ],
  'obs-text in a value': ['GET / HTTP/1.1\r\nhost: x\r\na: \xe9\r\n\r\n', ['GET - x / ["a","é"] end']],
  'empty lines before it': ['\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n', ['GET - x / [] end']],
  'an absolute target, above Host': [
    'GET http://a.b:9080/p?q HTTP/1.1\r\nHost: other\r\n\r\n',
    ['GET http a.b:9080 /p?q [] end'],
  ],
  'an absolute target without a path': ['GET HTTP://a?q HTTP/1.1\r\nhost: a\r\n\r\n', ['GET http a /?q [] end']],
  'OPTIONS *': ['OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n', ['OPTIONS - x * [] end']],
  'a body by length': [
    'POST /p HTTP/1.1\r\nhost: x\r\nContent-Length: 5\r\n\r\nhello',
    ['POST - x /p ["content-length","5"]', 'body hello'],
  ],
  'no body by length 0': [
    'POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n',
    ['POST - x /p ["content-length","0"] end'],
  ],
  'a chunked body, with extensions and trailers': [
    'PUT /p HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n00A \r\n, world!!!\r\n0\r\nx-t: 1\r\n\r\n',
    ['PUT - x /p []', 'body hello, world!!!', 'trailers ["x-t","1"]'],
  ],
  'an empty chunked body': [
    'PUT /p HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ['PUT - x /p []', 'body '],
  ],
  'three in a row': [
    'GET /1 HTTP/1.1\r\nhost: x\r\n\r\nPOST /2 HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nabGET /3 HTTP/1.1\r\nhost: x\r\n\r\n',
    ['GET - x /1 [] end', 'POST - x /2 ["content-length","2"]', 'body ab', 'GET - x /3 [] end'],
  ],
  'hop-by-hop fields are dropped, those that connection names too': [
    'GET / HTTP/1.1\r\nhost: x\r\nconnection: foo, keep-alive\r\nfoo: 1\r\nkeep-alive: 1\r\nte: gzip, trailers\r\nproxy-connection: a\r\n\r\n',
    ['GET - x / ["te","trailers"] end'],
  ],
  'te without trailers is dropped': ['GET / HTTP/1.1\r\nhost: x\r\nte: gzip\r\n\r\n', ['GET - x / [] end']],
}

for (const [name, [text, events]] of Object.entries(good)) {
  test(`takes ${name}`, () => assert.deepEqual(parse(text), events))
}

const syntax = '400 http1.codec_error'
const post = (fields: string, body = ''): string => `POST / HTTP/1.1\r\nhost: x\r\n${fields}\r\n\r\n${body}`
const chunked = (body: string): string => post('transfer-encoding: chunked', body)

const hostile: Record<string, [string, string]> = {
  'content-length and transfer-encoding': [
    post('content-length: 1\r\ntransfer-encoding: chunked'),
    '400 http1.content_length_and_chunked_not_allowed',
  ],
  'the same content-length twice': [post('content-length: 1\r\ncontent-length: 1', 'a'), syntax],
  'differing content-lengths': [post('content-length: 1\r\ncontent-length: 2', 'a'), syntax],
  'a content-length list': [post('content-length: 1, 1', 'a'), syntax],
  'a signed content-length': [post('content-length: +1', 'a'), syntax],
  'a negative content-length': [post('content-length: -1', 'a'), syntax],
  'a hexadecimal content-length': [post('content-length: 0x1', 'a'), syntax],
  'an empty content-length': [post('content-length:', 'a'), syntax],
  'a content-length beyond what is exact': [post('content-length: 99999999999999999999', 'a'), syntax],
  'an unknown transfer coding': [post('transfer-encoding: gzip'), '501 http1.invalid_transfer_encoding'],
  'two transfer codings': [post('transfer-encoding: gzip, chunked'), '501 http1.invalid_transfer_encoding'],
  'chunked twice': [
    post('transfer-encoding: chunked\r\ntransfer-encoding: chunked'),
    '501 http1.invalid_transfer_encoding',
  ],
  'chunked in disguise': [post('transfer-encoding: xchunked'), '501 http1.invalid_transfer_encoding'],
  'chunked under HTTP/1.0': [
    'POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n',
    '501 http1.invalid_transfer_encoding',
  ],
  'a space before the colon': [post('content-length : 1', 'a'), syntax],
  'a folded line': [post('a: b\r\n c'), syntax],
  'a line that starts with a space': ['GET / HTTP/1.1\r\n host: x\r\n\r\n', syntax],
  'no colon': [post('abc'), syntax],
  'an empty name': [post(': b'), syntax],
  'a bare line feed after the start line': ['GET / HTTP/1.1\nhost: x\r\n\r\n', syntax],
  'a bare line feed after a field': ['GET / HTTP/1.1\r\nhost: x\n\r\n', syntax],
  'a bare line feed at the end': ['GET / HTTP/1.1\r\nhost: x\r\n\n', syntax],
  'a bare carriage return in a value': [post('a: b\rc'), syntax],
  'NUL in a value': [post('a: b\0c'), '400 http1.invalid_characters'],
  'a control character in a value': [post('a: b\x01'), '400 http1.invalid_characters'],
  'NUL in a name': [post('a\0: b'), syntax],
  'a name beyond ASCII': [post('\xe9: b'), syntax],
  'two hosts': ['GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n', syntax],
  'a host that is none': ['GET / HTTP/1.1\r\nhost: a b\r\n\r\n', '400 http.invalid_authority'],
  'a host with a path': ['GET / HTTP/1.1\r\nhost: a/b\r\n\r\n', '400 http.invalid_authority'],
  'user information in the target': ['GET http://u@a/ HTTP/1.1\r\nhost: a\r\n\r\n', '400 http1.invalid_url'],
  'a target without authority': ['GET http:///p HTTP/1.1\r\nhost: a\r\n\r\n', '400 http1.invalid_url'],
  'a target of another scheme': ['GET ftp://a/p HTTP/1.1\r\nhost: a\r\n\r\n', '400 http1.invalid_scheme'],
  'a relative target': ['GET p HTTP/1.1\r\nhost: a\r\n\r\n', '400 http1.codec_error'],
  'a port that is none': ['GET http://a:p/ HTTP/1.1\r\nhost: a\r\n\r\n', '400 http1.invalid_url'],
  'CONNECT without a port': ['CONNECT a HTTP/1.1\r\nhost: a\r\n\r\n', '400 http1.invalid_url'],
  'CONNECT to a path': ['CONNECT /a HTTP/1.1\r\nhost: a\r\n\r\n', '400 http1.invalid_url'],
  'GET *': ['GET * HTTP/1.1\r\nhost: a\r\n\r\n', '400 http1.invalid_url'],
  'a target beyond ASCII': ['GET /\xe9 HTTP/1.1\r\nhost: a\r\n\r\n', syntax],
  'two spaces in the start line': ['GET  / HTTP/1.1\r\nhost: a\r\n\r\n', syntax],
  'no version': ['GET /\r\nhost: a\r\n\r\n', syntax],
  'HTTP/2.0': ['GET / HTTP/2.0\r\nhost: a\r\n\r\n', syntax],
  'a trailing space after the version': ['GET / HTTP/1.1 \r\nhost: a\r\n\r\n', syntax],
  'a lower-case method': ['get / HTTP/1.1\r\nhost: a\r\n\r\n', syntax],
  'an unknown method': ['FOO / HTTP/1.1\r\nhost: a\r\n\r\n', syntax],
  'a TLS hello': ['\x16\x03\x01\x02\x00\x01', syntax],
  'connection naming host': [
    'GET / HTTP/1.1\r\nhost: a\r\nconnection: host\r\n\r\n',
    '400 http1.connection_header_rejected',
  ],
  'connection naming x-forwarded-for': [
    'GET / HTTP/1.1\r\nhost: a\r\nconnection: close, X-Forwarded-For\r\nx-forwarded-for: 1\r\n\r\n',
    '400 http1.connection_header_rejected',
  ],
  'connection naming more fields than anyone honest does': [
    `GET / HTTP/1.1\r\nhost: a\r\nconnection: ${'x,'.repeat(10)}x\r\n\r\n`,
    '400 http1.connection_header_rejected',
  ],
  'a head that is too long': [post(`a: ${'b'.repeat(1100)}`), '431 http1.headers_too_large'],
  'a target that is too long': [`GET /${'a'.repeat(1100)} HTTP/1.1\r\nhost: a\r\n\r\n`, '431 http1.headers_too_large'],
  'too many fields': [post('a: b\r\n'.repeat(20).trimEnd()), '431 http1.too_many_headers'],
}

for (const [name, [text, outcome]] of Object.entries(hostile)) {
  test(`refuses ${name}`, () => assert.deepEqual(parse(text), [outcome]))
}

const hostileBodies: Record<string, string> = {
  'a chunk size that is no number': 'zz\r\n',
  'a chunk size with a sign': '+5\r\nhello\r\n0\r\n\r\n',
  'a chunk size with 0x': '0x5\r\nhello\r\n0\r\n\r\n',
  'an empty chunk size': '\r\nhello\r\n0\r\n\r\n',
  'a chunk size that overflows': 'fffffffffffffffff\r\n',
  'a chunk size ended by a bare line feed': '5\nhello\r\n0\r\n\r\n',
  'a control character in a chunk extension': '5;\x01\r\nhello\r\n0\r\n\r\n',
  'something else after a chunk size': '5 5\r\nhello\r\n0\r\n\r\n',
  'a bad trailer': '0\r\na b: c\r\n\r\n',
}

for (const [name, body] of Object.entries(hostileBodies)) {
  test(`refuses ${name}`, () => assert.equal(parse(chunked(body)).at(-1), syntax))
}

test('refuses a chunk that is longer than it says', () => {
  assert.equal(parse(chunked('4\r\nhello\r\n0\r\n\r\n')).at(-1), syntax)
})

test('says what it found besides the head', () => {
  const recorder = new Recorder()
  const { parser } = recorder
  const head =
    'GET / HTTP/1.1\r\nhost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nX-Request-Id: 1\r\n\r\n'
  parser.execute(Buffer.from(head))
  assert.equal(parser.head.protocol, 'websocket')
  assert.equal(parser.close, true)
  assert.ok(parser.fields & FIELD.requestId)
  assert.equal(parser.fields & FIELD.forwardedFor, 0)
})

test('closes for proxy-connection, too', () => {
  const closes = (fields: string): boolean => {
    const { parser } = new Recorder()
    parser.execute(Buffer.from(`GET / HTTP/1.1\r\nhost: x\r\n${fields}\r\n\r\n`))
    return parser.close
  }
  assert.equal(closes('proxy-connection: a, Close'), true)
  assert.equal(closes('proxy-connection: close\r\nconnection: keep-alive'), true)
  assert.equal(closes('proxy-connection: keep-alive'), false)
})

test('says what HTTP/1.0 leaves out, and passes over its upgrades and that to HTTP/2', () => {
  const { parser } = new Recorder()
  parser.execute(Buffer.from('GET / HTTP/1.0\r\n\r\n'))
  assert.equal(parser.version, 10)
  assert.equal(parser.missingHost, true)
  parser.execute(Buffer.from('GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'))
  assert.equal(parser.head.protocol, '')
  parser.execute(Buffer.from('GET / HTTP/1.1\r\nhost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'))
  assert.equal(parser.head.protocol, '')
})

test('an upgrade and CONNECT turn what follows into bytes of a tunnel, whatever it looks like', () => {
  const upgrade = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
  for (const head of [upgrade, 'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\ncontent-length: 0\r\n\r\n']) {
    const recorder = new Recorder()
    recorder.parser.execute(Buffer.from(`${head}GET / HTTP/1.1\r\n\r\n`))
    recorder.parser.finish()
    assert.equal(recorder.events.length, 2)
    assert.equal(recorder.events[1], 'body GET / HTTP/1.1\r\n\r\n')
  }
})

test('refuses content in a CONNECT', () => {
  const head = 'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n'
  assert.deepEqual(parse(`${head}content-length: 1\r\n\r\nx`), ['400 http1.body_disallowed'])
  const chunked = 'transfer-encoding: chunked\r\n\r\n0\r\n\r\n'
  assert.deepEqual(parse(head + chunked), ['501 http1.invalid_transfer_encoding'])
})

test('trailers end a chunked body, without the fields that have no business there', () => {
  const trailers = 'x-sum: 1\r\ncontent-length: 5\r\ntransfer-encoding: gzip\r\nhost: y\r\nx-forwarded-for: 1.2.3.4\r\n'
  assert.deepEqual(parse(chunked(`2\r\nab\r\n0\r\n${trailers}\r\n`)).slice(1), ['body ab', 'trailers ["x-sum","1"]'])
})

test('waits with what follows a message until it is asked for', () => {
  const events: string[] = []
  const handler: MessageHandler = {
    onHead: () => void events.push(parser.head.path),
    onBody: () => {},
    onTrailers: () => {},
    onProtocolError: error => void events.push(error.details),
  }
  const parser: RequestParser = new RequestParser(handler, LIMITS)
  parser.execute(Buffer.from('GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nho'))
  assert.deepEqual(events, ['/1'])
  assert.equal(parser.hasLeftover, true)
  parser.execute(Buffer.from('st: x\r\n\r\n'))
  parser.next()
  assert.deepEqual(events, ['/1', '/2'])
  parser.next()
  assert.equal(parser.isIdle, true)
})

test('a head sent byte by byte costs no more than its length: limits hold without its end', () => {
  const recorder = new Recorder()
  const drip = Buffer.from(`GET / HTTP/1.1\r\nhost: x\r\na: ${'b'.repeat(2000)}`)
  for (const byte of drip) recorder.parser.execute(Buffer.from([byte]))
  assert.deepEqual(recorder.events, ['431 http1.headers_too_large'])
})
