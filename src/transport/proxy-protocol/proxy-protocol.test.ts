import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_PROXY_HEADER_BYTES, type ProxyHeader, parseProxyHeader } from './header-parser.ts'
import { proxyHeaderV1, proxyHeaderV2 } from './header-writer.ts'
import { type ProxyAddresses, V2_SIGNATURE } from './proxy-addresses.ts'
import { isTlvBlock, selectTlvs } from './tlv-block.ts'

const parse = (text: string): ProxyHeader => parseProxyHeader(Buffer.from(text, 'latin1'))
const IPV4_BLOCK = [1, 2, 3, 4, 5, 6, 7, 8, 0x04, 0x57, 0x08, 0xae]
const ADDRESSES: ProxyAddresses = {
  sourceIp: '1.2.3.4',
  sourcePort: 1111,
  destinationIp: '5.6.7.8',
  destinationPort: 2222,
}

function version2(command: number, family: number, block: readonly number[], length = block.length): Buffer {
  return Buffer.concat([V2_SIGNATURE, Buffer.from([command, family, length >> 8, length & 0xff, ...block])])
}

function tlv([type, value]: readonly [number, Uint8Array]): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value])
}

function addressesOf(header: ProxyHeader): unknown {
  return header.kind === 'header' ? header.addresses : header.kind
}

test('version 1: addresses, and UNKNOWN with anything behind it', () => {
  assert.deepEqual(parse('PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\nGET'), {
    kind: 'header',
    version: 1,
    length: 38,
    addresses: ADDRESSES,
    tlvs: Buffer.alloc(0),
  })
  assert.deepEqual(addressesOf(parse('PROXY TCP6 0:0:0:0:0:0:0:1 2001:DB8::5 0 65535\r\n')), {
    sourceIp: '::1',
    sourcePort: 0,
    destinationIp: '2001:db8::5',
    destinationPort: 65535,
  })
  assert.equal(addressesOf(parse('PROXY UNKNOWN\r\n')), null)
  assert.equal(addressesOf(parse(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`)), null)
})

test('version 1: what is not exactly as specified is malformed', () => {
  for (const line of [
    'TCP4 1.2.3.400 5.6.7.8 1111 2222\r\n',
    'TCP4 1.2.3.4 5.6.7.8 01111 2222\r\n',
    'TCP4 1.2.3.4 5.6.7.8 +111 2222\r\n',
    'TCP4 1.2.3.4 5.6.7.8 65536 2222\r\n',
    'TCP4 1.2.3.4  5.6.7.8 1111 2222\r\n',
    'TCP4 1.2.3.4 5.6.7.8 1111\r\n',
    'TCP4 1.2.3.4 5.6.7.8 1111 2222 \r\n',
    'TCP4 ::1 ::2 1111 2222\r\n',
    'TCP6 1.2.3.4 5.6.7.8 1111 2222\r\n',
    'TCP6 fe80::1%lo ::2 1111 2222\r\n',
    'UDP4 1.2.3.4 5.6.7.8 1111 2222\r\n',
    'TCP4 0.0.0.0 5.6.7.8 1111 2222\r\n',
    'TCP4 1.2.3.4 224.0.0.1 1111 2222\r\n',
    'TCP6 :: ::2 1111 2222\r\n',
    'TCP6 ff02::1 ::2 1111 2222\r\n',
    'TCP4 1.2.3.4 5.6.7.8 1111 2222\n',
    'UNKNOWN\n',
    '\r\n',
    `UNKNOWN ${'f'.repeat(92)}\r\n`,
    `UNKNOWN ${'f'.repeat(200)}`,
  ]) {
    assert.deepEqual(parse(`PROXY ${line}`), { kind: 'malformed', version: 1 }, line)
  }
})

test('version 2: addresses, LOCAL, and TLVs', () => {
  const fields = [0x02, 0, 4, 0x74, 0x65, 0x73, 0x74, 0xea, 0, 0]
  assert.deepEqual(parseProxyHeader(version2(0x21, 0x11, [...IPV4_BLOCK, ...fields])), {
    kind: 'header',
    version: 2,
    length: 38,
    addresses: ADDRESSES,
    tlvs: Buffer.from(fields),
  })
  const ipv6 = [...new Array(15).fill(0), 1, 0x20, 0x01, 0x0d, 0xb8, ...new Array(11).fill(0), 5, 4, 0x57, 8, 0xae]
  assert.deepEqual(addressesOf(parseProxyHeader(version2(0x21, 0x21, ipv6))), {
    sourceIp: '::1',
    sourcePort: 1111,
    destinationIp: '2001:db8::5',
    destinationPort: 2222,
  })
  for (const local of [version2(0x20, 0, []), version2(0x20, 0x11, IPV4_BLOCK), version2(0x20, 0x45, [1, 2, 3])]) {
    const header = parseProxyHeader(local)
    assert.ok(header.kind === 'header')
    assert.deepEqual([header.addresses, header.length], [null, local.length])
  }
})

test('version 2: what is not TCP, too short, or wrongly framed is malformed', () => {
  for (const [name, bytes] of [
    ['version', version2(0x31, 0x11, IPV4_BLOCK)],
    ['command', version2(0x22, 0x11, IPV4_BLOCK)],
    ['UNSPEC', version2(0x21, 0x00, [])],
    ['UDP', version2(0x21, 0x12, IPV4_BLOCK)],
    ['UNIX', version2(0x21, 0x31, new Array(216).fill(0))],
    ['family', version2(0x21, 0x41, IPV4_BLOCK)],
    ['short', version2(0x21, 0x11, IPV4_BLOCK.slice(1))],
    ['short, seen from its length alone', version2(0x21, 0x21, [], 35)],
    ['TLV beyond the end', version2(0x21, 0x11, [...IPV4_BLOCK, 2, 0, 4, 1, 2, 3])],
    ['half a TLV', version2(0x21, 0x11, [...IPV4_BLOCK, 2, 0])],
    ['any address', version2(0x21, 0x11, [0, 0, 0, 0, ...IPV4_BLOCK.slice(4)])],
  ] as const) {
    assert.deepEqual(parseProxyHeader(bytes), { kind: 'malformed', version: 2 }, name)
  }
})

test('the first bytes tell a header from everything else', () => {
  for (const text of ['GET / HTTP/1.1', 'PROXYX', 'PRI', '\r\n\r\n\0\r\nQUIX', '\n'])
    assert.equal(parse(text).kind, 'absent')
  for (const text of ['P', 'PROXY', 'PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r', '\r\n\r\n\0\r', '\r\n\r\n\0\r\nQUIT\n!'])
    assert.equal(parse(text).kind, 'incomplete', text)
})

const bytesOfHeader = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.concat([V2_SIGNATURE, bytes])),
  fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.concat([Buffer.from('PROXY TCP4 '), bytes])),
  fc.constant(Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\nrest')),
  fc.uint8Array({ maxLength: 60 }).map(block => version2(0x21, 0x11, [...IPV4_BLOCK, ...block])),
)

test('no bytes make it throw, and what it says does not depend on how they come', () => {
  fc.assert(
    fc.property(bytesOfHeader, fc.infiniteStream(fc.integer({ min: 1, max: 20 })), (bytes, steps) => {
      const whole = parseProxyHeader(bytes)
      let needed = 1
      for (let length = 1; length < bytes.length; length += steps.next().value!) {
        if (length < needed) continue
        const part = parseProxyHeader(bytes.subarray(0, length))
        if (part.kind !== 'incomplete') return assert.deepEqual(part, whole)
        assert.ok(part.needed > length && part.needed <= MAX_PROXY_HEADER_BYTES)
        needed = part.needed
      }
      // Nothing it asks to wait for is there already.
      if (whole.kind === 'incomplete') assert.ok(whole.needed > bytes.length)
    }),
    { numRuns: 2000 },
  )
})

test('what is written is read back', () => {
  const ip = fc.oneof(
    fc.constantFrom('1.2.3.4', '127.0.0.1', '::1', '2001:db8::5', 'fe80::1:2:3', '::ffff:1.2.3.4', '1::'),
  )
  const port = fc.nat(65535)
  const tlvs = fc
    .array(fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 50 })))
    .map(fields => Buffer.concat(fields.map(tlv)))
  fc.assert(
    fc.property(ip, port, ip, port, tlvs, (sourceIp, sourcePort, destinationIp, destinationPort, sent) => {
      const mixed = sourceIp.includes(':') !== destinationIp.includes(':')
      const as = (text: string): string => (mixed && !text.includes(':') ? `::ffff:${text}` : text)
      const expected = { sourceIp: as(sourceIp), sourcePort, destinationIp: as(destinationIp), destinationPort }
      const given = { sourceIp, sourcePort, destinationIp, destinationPort }
      assert.deepEqual(addressesOf(parseProxyHeader(proxyHeaderV1(given))), expected)
      const header = parseProxyHeader(proxyHeaderV2(given, sent))
      assert.deepEqual(addressesOf(header), expected)
      assert.deepEqual(header.kind === 'header' && header.tlvs, sent)
    }),
  )
  for (const own of [proxyHeaderV1(null), proxyHeaderV2(null, Buffer.alloc(0))])
    assert.equal(addressesOf(parseProxyHeader(own)), null)
})

test('TLVs are chosen by type, and those that do not fit are left out', () => {
  const block = Buffer.concat([tlv([1, Buffer.from('a')]), tlv([2, Buffer.alloc(0)]), tlv([1, Buffer.from('b')])])
  assert.deepEqual(selectTlvs(block, null), block)
  assert.deepEqual(selectTlvs(block, new Set([2, 3])), tlv([2, Buffer.alloc(0)]))
  assert.equal(isTlvBlock(block.subarray(0, -1)), false)
  const large = tlv([1, Buffer.alloc(40_000)])
  const header = parseProxyHeader(proxyHeaderV2(ADDRESSES, Buffer.concat([large, large])))
  assert.deepEqual(header.kind === 'header' && header.tlvs, large)
})
