// What the writer of HTTP/1 writes, the parsers read as the same, however it is cut: heads, bodies by length and in chunks,
// trailers.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { closeBatch, openBatch } from '../../src/transport/http/write-batch.ts'
import type { MessageHandler } from '../../src/transport/http1/message-parser.ts'
import { MessageWriter } from '../../src/transport/http1/message-writer.ts'
import { RequestParser } from '../../src/transport/http1/request-parser.ts'
import { ResponseParser } from '../../src/transport/http1/response-parser.ts'
import { FakeSocket } from '../../src/transport/http2/testing/fake-socket.ts'
import { fuzz, inPieces } from './fuzz.ts'

type Fields = readonly (readonly [string, string])[]

interface Written {
  readonly fields: Fields
  readonly chunks: readonly Buffer[]
  readonly framing: 'length' | 'chunks'
  readonly trailers: Fields
}

interface Read {
  readonly start: string
  readonly fields: readonly string[]
  readonly body: string
  readonly trailers: readonly string[]
}

const PLAIN_NAMES = ['x-a', 'x-b', 'accept', 'cookie', 'x-long-name-of-a-field']
const fields: fc.Arbitrary<Fields> = fc.array(
  fc.tuple(fc.constantFrom(...PLAIN_NAMES), fc.stringMatching(/^([!-~\xa0-\xff]([ -~]{0,20}[!-~])?)?$/)),
  { maxLength: 5 },
)
const chunk = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map(bytes => Buffer.from(bytes)),
  fc.constantFrom(Buffer.alloc(9_000, 'x'), Buffer.from('0\r\n\r\n'), Buffer.from('\r\nGET / HTTP/1.1\r\n\r\n')),
)
const written: fc.Arbitrary<Written> = fc.record({
  fields,
  chunks: fc.array(chunk, { maxLength: 4 }),
  framing: fc.constantFrom('length', 'chunks'),
  trailers: fc.oneof(fc.constant([]), fields),
})
const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 20 })

const LIMITS = { maxHeadBytes: 60 * 1024, maxFieldCount: 100, trailers: true, keepsSpelling: false }

function listOf({ fields, chunks, framing }: Written): string[] {
  const length = chunks.reduce((sum, { length }) => sum + length, 0)
  return [...fields.flat(), ...(framing === 'length' ? ['content-length', String(length)] : [])]
}

/** With the trailers only where they have a place. */
function expected(start: string, message: Written): Read {
  const { chunks, framing, trailers } = message
  const body = Buffer.concat(chunks).toString('latin1')
  return { start, fields: listOf(message), body, trailers: framing === 'chunks' ? trailers.flat() : [] }
}

function write(messages: readonly Written[], head: (writer: MessageWriter, headers: string[]) => void): Buffer {
  const socket = new FakeSocket()
  const writer = new MessageWriter(socket.asSocket(), { trailers: true, headerCase: 'lower' })
  openBatch()
  for (const message of messages) {
    head(writer, listOf(message))
    for (const chunk of message.chunks) writer.body(chunk, false)
    if (message.trailers.length > 0) writer.trailers(message.trailers.flat())
    else writer.body(Buffer.alloc(0), true)
  }
  closeBatch()
  return socket.take()
}

function read(pieces: readonly Buffer[], kind: 'request' | 'response'): readonly (Read | string)[] {
  const all: (Read | string)[] = []
  let start = ''
  let headers: readonly string[] = []
  let body = ''
  const finish = (trailers: readonly string[]): void => {
    all.push({ start, fields: headers.slice(), body, trailers: trailers.slice() })
    body = ''
    parser.next()
  }
  const handler: MessageHandler = {
    onHead: endStream => {
      headers = parser.head.headers.filter((name, at, list) => !isFraming(at % 2 === 0 ? name : list[at - 1]!))
      const { head } = parser
      start = 'status' in head ? String(head.status) : `${head.method} ${head.authority} ${head.path}`
      if (endStream) finish([])
    },
    onBody: (chunk, endStream) => {
      body += chunk.toString('latin1')
      if (endStream) finish([])
    },
    onTrailers: finish,
    onProtocolError: () => void all.push('refused'),
  }
  const parser: RequestParser | ResponseParser =
    kind === 'request' ? new RequestParser(handler, LIMITS) : new ResponseParser(handler, LIMITS)
  for (const piece of pieces) parser.execute(piece)
  return all
}

/** Between two hops only. */
function isFraming(name: string): boolean {
  return name === 'transfer-encoding'
}

const messages = fc.array(written, { minLength: 1, maxLength: 3 })
const requests = fc.tuple(
  messages,
  fc.constantFrom('POST', 'PUT', 'M-SEARCH'),
  fc.constantFrom('/', '/a?b=c', '/%20/%fc'),
  fc.constantFrom('a.test', 'b.test:81', '[::1]:80'),
  cuts,
)

fuzz('http1-round-trip: requests', 500, requests, ([messages, method, path, authority, lengths]) => {
  const bytes = write(messages, (writer, headers) =>
    writer.request({ method, path, authority, scheme: 'http', protocol: '', headers }, path, authority, false),
  )
  const start = `${method} ${authority} ${path}`
  assert.deepEqual(
    read(inPieces(bytes, lengths), 'request'),
    messages.map(each => expected(start, each)),
  )
})

fuzz('http1-round-trip: responses', 500, fc.tuple(messages, fc.constantFrom(200, 206, 404, 500), cuts), one => {
  const [messages, status, lengths] = one
  const framing = { toHead: false, close: false, tunnels: false, http10: false }
  const bytes = write(messages, (writer, headers) => writer.response({ status, headers }, false, framing))
  const wanted = messages.map(each => expected(String(status), each))
  assert.deepEqual(read(inPieces(bytes, lengths), 'response'), wanted)
})
