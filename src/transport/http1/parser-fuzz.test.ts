// Bytes at random, near to valid requests: nothing throws, and what is taken does not depend on how it was cut.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MessageHandler } from './message-parser.ts'
import { RequestParser } from './request-parser.ts'

const PARTS = [
  'GET / HTTP/1.1\r\n',
  'POST /a?b HTTP/1.1\r\n',
  'GET http://a/b HTTP/1.1\r\n',
  'host: a\r\n',
  'Host: b:80\r\n',
  'content-length: 5\r\n',
  'content-length: 0\r\n',
  'transfer-encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'connection: close, foo\r\n',
  'foo: bar\r\n',
  'a : b\r\n',
  ' folded\r\n',
  '\r\n',
  '\n',
  '\r',
  '\0',
  'hello',
  '5\r\nhello\r\n',
  '5;x=y\r\nhello\r\n',
  '0\r\n\r\n',
  '0\r\nt: 1\r\n\r\n',
  'fffffffffffff\r\n',
]

/** Requests taken, and whether the rest was refused. */
function outcome(pieces: readonly Buffer[]): { readonly taken: string[]; readonly refused: boolean } {
  const taken: string[] = []
  let refused = false
  let body = ''
  const handler: MessageHandler = {
    onHead: endStream => {
      const { method, path, authority, headers } = parser.head
      taken.push(`${method} ${authority} ${path} ${headers.join('|')}`)
      if (endStream) parser.next()
    },
    onBody: (chunk, endStream) => {
      body += chunk.toString('latin1')
      if (!endStream) return
      taken.push(body)
      body = ''
      parser.next()
    },
    onTrailers: trailers => {
      taken.push(body, trailers.join('|'))
      body = ''
      parser.next()
    },
    onProtocolError: () => {
      assert.equal(refused, false, 'refused twice')
      refused = true
    },
  }
  const parser: RequestParser = new RequestParser(handler, {
    maxHeadBytes: 60 * 1024,
    maxFieldCount: 100,
    trailers: true,
    keepsSpelling: false,
  })
  for (const piece of pieces) parser.execute(piece)
  // Judgement on an incomplete line may wait for its end.
  parser.execute(Buffer.from('\n'))
  return { taken, refused }
}

test('any sequence of parts, cut anywhere', () => {
  const parts = fc.array(fc.oneof(fc.constantFrom(...PARTS), fc.string({ maxLength: 4 })), { maxLength: 14 })
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 })
  fc.assert(
    fc.property(parts, cuts, (texts, lengths) => {
      const bytes = Buffer.from(texts.join(''), 'latin1')
      const pieces: Buffer[] = []
      let at = 0
      for (const length of lengths) {
        if (at >= bytes.length) break
        pieces.push(Buffer.from(bytes.subarray(at, at + length)))
        at += length
      }
      pieces.push(Buffer.from(bytes.subarray(at)))
      assert.deepEqual(outcome(pieces), outcome([bytes]))
    }),
    { numRuns: 3000 * Number(process.env['FUZZ_FACTOR'] ?? 1) },
  )
})
