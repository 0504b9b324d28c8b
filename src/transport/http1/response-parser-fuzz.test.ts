// Anything a server may send, cut anywhere: the same outcome, no exception, nothing read twice.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MessageHandler } from './message-parser.ts'
import { ResponseParser } from './response-parser.ts'

/** Beginnings of what is right, and what has broken parsers before. */
const PARTS = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 200\r\n',
  'HTTP/1.0 204 No Content\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\n',
  'HTTP/1.1 304 Not Modified\r\n',
  'HTTP/1.1 999 \x80\r\n',
  'HTTP/2 200 OK\r\n',
  'content-length: 5\r\n',
  'content-length: 5, 5\r\n',
  'content-length: -1\r\n',
  'transfer-encoding: chunked\r\n',
  'transfer-encoding: gzip, chunked\r\n',
  'Keep-Alive: timeout=5, max=x\r\n',
  'connection: close\r\n',
  'a : b\r\n',
  ' folded\r\n',
  'x: \0\r\n',
  '\n',
  '\r\n',
  'hello',
  '5\r\nhello\r\n',
  '5;a="\r\n',
  '0\r\n\r\n',
  '0\r\nt: 1\r\n\r\n',
  'fffffffffffff\r\n',
]

interface Asked {
  readonly toHead: boolean
  readonly toUpgrade: boolean
  readonly toConnect: boolean
}

function outcome(pieces: readonly Buffer[], asked: Asked): readonly string[] {
  const events: string[] = []
  let body = ''
  const finish = (text: string): void => {
    events.push(body, text)
    body = ''
    parser.next()
  }
  const handler: MessageHandler = {
    onHead: endStream => {
      const { status, headers } = parser.head
      events.push(`${status} ${headers.join('|')}`)
      if (endStream || (status < 200 && status !== 101)) parser.next()
    },
    onBody: (chunk, endStream) => {
      body += chunk.toString('latin1')
      if (endStream) finish('end')
    },
    onTrailers: trailers => finish(trailers.join('|')),
    onProtocolError: () => void events.push(body, 'refused'),
  }
  const limits = { maxHeadBytes: 4096, maxFieldCount: 20, trailers: true, keepsSpelling: true }
  const parser: ResponseParser = new ResponseParser(handler, limits)
  Object.assign(parser, asked)
  for (const piece of pieces) parser.execute(piece)
  // Judgement on an incomplete line may wait for its end.
  parser.execute(Buffer.from('\n'))
  parser.finish()
  return [...events, body]
}

test('any sequence of parts, cut anywhere', () => {
  const parts = fc.array(fc.oneof(fc.constantFrom(...PARTS), fc.string({ maxLength: 4 })), { maxLength: 14 })
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 })
  const asked = fc.record({ toHead: fc.boolean(), toUpgrade: fc.boolean(), toConnect: fc.boolean() })
  fc.assert(
    fc.property(parts, cuts, asked, (texts, lengths, request) => {
      const bytes = Buffer.from(texts.join(''), 'latin1')
      const pieces: Buffer[] = []
      let at = 0
      for (const length of lengths) {
        if (at >= bytes.length) break
        pieces.push(Buffer.from(bytes.subarray(at, at + length)))
        at += length
      }
      pieces.push(Buffer.from(bytes.subarray(at)))
      assert.deepEqual(outcome(pieces, request), outcome([bytes], request))
    }),
    { numRuns: 3000 * Number(process.env['FUZZ_FACTOR'] ?? 1) },
  )
})
