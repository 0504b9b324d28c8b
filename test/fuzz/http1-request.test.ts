// Bytes at random, near to valid requests: nothing throws, and what is taken does not depend on how it was cut.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { MessageHandler } from '../../src/transport/http1/message-parser.ts'
import { RequestParser } from '../../src/transport/http1/request-parser.ts'
import { corpus, fuzz, inPieces } from './fuzz.ts'

const parts = fc
  .array(fc.oneof(fc.constantFrom(...corpus('http1-request')), fc.string({ maxLength: 4 }).map(latin1)), {
    maxLength: 14,
  })
  .map(all => Buffer.concat(all))
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 })

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

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

fuzz('http1-request: any sequence of parts, cut anywhere', 3_000, fc.tuple(parts, cuts), ([bytes, lengths]) => {
  assert.deepEqual(outcome(inPieces(bytes, lengths)), outcome([bytes]))
})
