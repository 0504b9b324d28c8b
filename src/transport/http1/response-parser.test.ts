// Responses in every cut, and how their bodies end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeaderList } from '../header-list.ts'
import type { CodecError } from './codec-error.ts'
import type { MessageHandler } from './message-parser.ts'
import { ResponseParser } from './response-parser.ts'

class Recorder implements MessageHandler {
  readonly parser = new ResponseParser(this, {
    maxHeadBytes: 4096,
    maxFieldCount: 20,
    trailers: true,
    keepsSpelling: false,
  })
  readonly events: string[] = []
  #body = ''

  onHead(endStream: boolean): void {
    const { status, headers } = this.parser.head
    this.events.push(`${status} ${JSON.stringify(headers)}${endStream ? ' end' : ''}`)
    if (status < 200) this.parser.next()
  }

  onBody(chunk: Buffer, endStream: boolean): void {
    this.#body += chunk.toString('latin1')
    if (endStream) this.events.push(`body ${this.#body}`)
  }

  onTrailers(trailers: HeaderList): void {
    this.events.push(`body ${this.#body}`, `trailers ${JSON.stringify(trailers)}`)
  }

  onProtocolError(error: CodecError): void {
    this.events.push(error.details)
  }
}

function parse(text: string, toHead = false, atEnd = true): string[] {
  const bytes = Buffer.from(text, 'latin1')
  let whole: string[] = []
  for (let cut = 0; cut < bytes.length; cut++) {
    const recorder = new Recorder()
    recorder.parser.toHead = toHead
    if (cut > 0) recorder.parser.execute(Buffer.from(bytes.subarray(0, cut)))
    recorder.parser.execute(Buffer.from(bytes.subarray(cut)))
    if (atEnd && !recorder.parser.finish()) recorder.events.push('cut short')
    if (cut === 0) whole = recorder.events
    assert.deepEqual(recorder.events, whole, `cut at ${cut}`)
  }
  return whole
}

const OK = 'HTTP/1.1 200 OK\r\n'

const cases: Record<string, [string, string[]]> = {
  'a body by length': [`${OK}Content-Length: 2\r\nX: 1\r\n\r\nok`, ['200 ["content-length","2","x","1"]', 'body ok']],
  'a chunked body': [`${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, ['200 []', 'body ok']],
  'an empty line before it': [`\r\n${OK}content-length: 0\r\n\r\n`, ['http1.codec_error']],
  'a 204 that says how long its body is': ['HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n', ['204 [] end']],
  'a body until the end': [`${OK}\r\nthe rest`, ['200 []', 'body the rest']],
  'no reason phrase': ['HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', ['200 ["content-length","0"] end']],
  'an odd reason phrase': ['HTTP/1.1 299 \xe9 !\r\ncontent-length: 0\r\n\r\n', ['299 ["content-length","0"] end']],
  '204 without a body': ['HTTP/1.1 204 No Content\r\n\r\n', ['204 [] end']],
  '304 with the length of what it stands for': [
    'HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n',
    ['304 ["content-length","10"] end'],
  ],
  'interim responses before it': [
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${OK}content-length: 1\r\n\r\na`,
    ['100 [] end', '103 ["link","a"] end', '200 ["content-length","1"]', 'body a'],
  ],
  'hop-by-hop fields, dropped': [
    `${OK}connection: keep-alive\r\nkeep-alive: timeout=5\r\ncontent-length: 0\r\n\r\n`,
    ['200 ["content-length","0"] end'],
  ],
  'what is no HTTP': ['garbage\r\n\r\n', ['http1.codec_error']],
  'a status of two digits': ['HTTP/1.1 20 OK\r\n\r\n', ['http1.codec_error']],
  'a status of four digits': ['HTTP/1.1 2000 OK\r\n\r\n', ['http1.codec_error']],
  'a length and chunks': [
    `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`,
    ['http1.content_length_and_chunked_not_allowed'],
  ],
  'two lengths': [`${OK}content-length: 1\r\ncontent-length: 2\r\n\r\n`, ['http1.codec_error']],
  '204 with chunks': ['HTTP/1.1 204 x\r\ntransfer-encoding: chunked\r\n\r\n', ['http1.transfer_encoding_not_allowed']],
  '204 with a length': ['HTTP/1.1 204 x\r\ncontent-length: 3\r\n\r\n', ['http1.content_length_not_allowed']],
  'an unknown coding': [`${OK}transfer-encoding: gzip\r\n\r\n`, ['http1.invalid_transfer_encoding']],
  'a body cut short': [`${OK}content-length: 10\r\n\r\nabc`, ['200 ["content-length","10"]', 'cut short']],
  'chunks cut short': [`${OK}transfer-encoding: chunked\r\n\r\n5\r\nabc`, ['200 []', 'cut short']],
}

for (const [name, [text, events]] of Object.entries(cases)) test(name, () => assert.deepEqual(parse(text), events))

test('a response to HEAD has no body, whatever it says', () => {
  assert.deepEqual(parse(`${OK}content-length: 10\r\n\r\n`, true), ['200 ["content-length","10"] end'])
  assert.deepEqual(parse(`${OK}transfer-encoding: chunked\r\n\r\n`, true), ['200 [] end'])
})

test('knows whether the connection can be used again', () => {
  const closes = (text: string): boolean => {
    const { parser } = new Recorder()
    parser.execute(Buffer.from(text))
    return parser.close
  }
  assert.equal(closes(`${OK}content-length: 0\r\n\r\n`), false)
  assert.equal(closes(`${OK}content-length: 0\r\nConnection: Close\r\n\r\n`), true)
  assert.equal(closes(`${OK}content-length: 0\r\nconnection: a, close\r\n\r\n`), true)
  assert.equal(closes(`${OK}content-length: 0\r\nproxy-connection: a, Close\r\n\r\n`), true)
  assert.equal(closes(`${OK}content-length: 0\r\nproxy-connection: close\r\nconnection: keep-alive\r\n\r\n`), true)
  assert.equal(closes(`${OK}content-length: 0\r\nproxy-connection: keep-alive\r\n\r\n`), false)
  assert.equal(closes('HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n'), true)
  assert.equal(closes('HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n'), false)
  assert.equal(closes('HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n'), true)
  assert.equal(closes(`${OK}\r\n`), true)
})

test('a 101 that claims a body is refused, and one that claims none is not', () => {
  const answer = (field: string): string[] => {
    const { parser, events } = new Recorder()
    parser.toUpgrade = true
    parser.execute(Buffer.from(`HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: a\r\n${field}\r\n\r\n`))
    return events
  }
  assert.deepEqual(answer('content-length: 3'), ['http1.content_length_not_allowed'])
  assert.deepEqual(answer('content-length: x'), ['http1.codec_error'])
  assert.deepEqual(answer('transfer-encoding: chunked'), ['http1.transfer_encoding_not_allowed'])
  assert.deepEqual(answer('content-length: 0'), ['101 ["connection","upgrade","upgrade","a"]'])
})

test('an answer that opens a tunnel has no end but that of the connection, whatever its fields say', () => {
  const { parser, events } = new Recorder()
  parser.toUpgrade = true
  parser.execute(
    Buffer.from('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nabc'),
  )
  assert.deepEqual(events, ['101 ["connection","upgrade","upgrade","websocket"]'])
  parser.finish()
  assert.equal(events[1], 'body abc')
  const connect = new Recorder()
  connect.parser.toConnect = true
  connect.parser.execute(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nabc'))
  connect.parser.finish()
  assert.deepEqual(connect.events, ['200 []', 'body abc'])
})
