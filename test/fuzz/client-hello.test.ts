// The first bytes of a TLS connection, damaged: nothing throws, and no verdict but `incomplete` changes with more bytes.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseClientHello } from '../../src/transport/tls/client-hello.ts'
import { corpus, fuzz, mutations } from './fuzz.ts'

const SEEDS = corpus('client-hello')
const anywhere = fc
  .tuple(fc.constantFrom(...SEEDS), fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { maxLength: 10 }))
  .map(([seed, changes]) => {
    const bytes = Buffer.from(seed)
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
    return bytes
  })

fuzz(
  'client-hello: any damage, read from any length on',
  1_000,
  fc.tuple(fc.oneof(mutations(SEEDS), anywhere), fc.nat(2_000)),
  one => {
    const [bytes, length] = one
    const whole = parseClientHello(bytes)
    const part = parseClientHello(bytes.subarray(0, length))
    if (part.kind !== 'incomplete') assert.deepEqual(part, whole)
  },
)
