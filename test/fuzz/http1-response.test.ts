// Anything a server may send, cut anywhere: the same outcome, no exception, nothing read twice.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { MessageHandler } from '../../src/transport/http1/message-parser.ts'
import { ResponseParser } from '../../src/transport/http1/response-parser.ts'
import { corpus, fuzz, inPieces } from './fuzz.ts'

const parts = fc
  .array(fc.oneof(fc.constantFrom(...corpus('http1-response')), fc.string({ maxLength: 4 }).map(latin1)), {
    maxLength: 14,
  })
  .map(all => Buffer.concat(all))
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 })
const asked = fc.record({ toHead: fc.boolean(), toUpgrade: fc.boolean(), toConnect: fc.boolean() })

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

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

const cases = fc.tuple(parts, cuts, asked)
fuzz('http1-response: any sequence of parts, cut anywhere', 3_000, cases, ([bytes, lengths, request]) => {
  assert.deepEqual(outcome(inPieces(bytes, lengths), request), outcome([bytes], request))
})
