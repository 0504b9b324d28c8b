// PROXY headers: any bytes end well, what is cut is asked for again, and what is written is read.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MAX_PROXY_HEADER_BYTES, parseProxyHeader } from '../../src/transport/proxy-protocol/header-parser.ts'
import { proxyHeaderV1, proxyHeaderV2 } from '../../src/transport/proxy-protocol/header-writer.ts'
import { corpus, fuzz, mutations } from './fuzz.ts'

const bytes = fc
  .oneof(
    { weight: 4, arbitrary: mutations(corpus('proxy-protocol')) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1 }).map(Buffer.from) },
  )
  .filter(({ length }) => length > 0)

fuzz(
  'proxy-protocol: every beginning of what is a header asks for more, and the verdict on more stays',
  2_000,
  bytes,
  all => {
    const whole = parseProxyHeader(all)
    for (let length = 1; length < all.length; length++) {
      const part = parseProxyHeader(all.subarray(0, length))
      if (part.kind === 'incomplete') {
        assert.ok(part.needed > length && part.needed <= MAX_PROXY_HEADER_BYTES)
        continue
      }
      assert.deepEqual(part, whole, `another verdict on ${length} bytes`)
    }
  },
)

const port = fc.integer({ min: 0, max: 65_535 })
const ip = fc.oneof(
  fc.ipV4().filter(text => text !== '0.0.0.0' && text !== '255.255.255.255' && !/^(22[4-9]|23\d)\./.test(text)),
  fc.constantFrom('2001:db8::1', '::1', 'fe80::1:2'),
)
const addresses = fc
  .record({ sourceIp: ip, sourcePort: port, destinationIp: ip, destinationPort: port }, { noNullPrototype: true })
  .filter(({ sourceIp, destinationIp }) => sourceIp.includes(':') === destinationIp.includes(':'))

fuzz('proxy-protocol: there and back', 500, fc.tuple(addresses, fc.uint8Array({ maxLength: 20 })), ([one, value]) => {
  const tlv = Buffer.from([0xe0, 0, value.length, ...value])
  for (const [version, header] of [
    [1, proxyHeaderV1(one)],
    [2, proxyHeaderV2(one, tlv)],
  ] as const) {
    const read = parseProxyHeader(Buffer.concat([header, Buffer.from('more')]))
    assert.ok(read.kind === 'header' && read.version === version && read.length === header.length)
    assert.deepEqual(read.addresses, one)
    if (version === 2) assert.deepEqual(read.tlvs, tlv)
  }
})
