// Every listener filter by itself: what it finds out, and that it finds the same however the bytes come.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt'
import fc from 'fast-check'
import { packAny } from '../../../xds/any-pack.ts'
import {
  ProxyProtocolPassThroughTLVs_PassTLVsMatchType as MatchType,
  ProxyProtocolConfig_Version as Version,
} from '../../../xds/generated/envoy/config/core/v3/proxy_protocol_pb.ts'
import { ProxyProtocolSchema } from '../../../xds/generated/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.ts'
import { FakeStats } from '../../http/testing/fake-proxy.ts'
import { Findings, type ListenerFilter, type Verdict } from './contract/listener-filter.ts'
import { LISTENER_FILTERS } from './registry.ts'

function filter(name: string, typedConfig?: Any, stats = new FakeStats()): ListenerFilter {
  const factory = [...LISTENER_FILTERS.values()].find(candidate => candidate.name.endsWith(name))!
  const config = typedConfig ?? create(AnySchema, { typeUrl: factory.typeUrl })
  const compiled = factory.compile(config, 'typed_config', stats)
  assert.ok(compiled.ok)
  return compiled.value
}

function inspect(name: string, text: string, typedConfig?: Any): { verdict: Verdict; findings: Findings } {
  const findings = new Findings()
  return { verdict: filter(name, typedConfig).inspect(Buffer.from(text, 'latin1'), findings), findings }
}

function proxyProtocol(fields: MessageInitShape<typeof ProxyProtocolSchema>): Any {
  return packAny(ProxyProtocolSchema, create(ProxyProtocolSchema, fields))
}

test('http_inspector knows HTTP/1.0, HTTP/1.1 and the HTTP/2 preface', () => {
  assert.deepEqual(inspect('http_inspector', 'GET / HTTP/1.1\r\n').findings.applicationProtocols, ['http/1.1'])
  assert.deepEqual(inspect('http_inspector', 'GET / HTTP/1.0\r\n').findings.applicationProtocols, ['http/1.0'])
  assert.deepEqual(inspect('http_inspector', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').findings.applicationProtocols, ['h2c'])
  for (const partial of ['G', 'GET / HT', 'PRI * HTT', 'PRI * HTTP/2.0\r\n\r\nSM', 'PRI /x']) {
    assert.equal(inspect('http_inspector', partial).verdict, partial.length + 1, partial)
  }
  const others = ['\x16\x03', 'get / x\r\n', 'GET / SPDY/1\r\n', 'PRI * HTTP/2.0\r\n\r\nXX', `GET /${'x'.repeat(9000)}`]
  for (const other of others) {
    const { verdict, findings } = inspect('http_inspector', other)
    assert.deepEqual([verdict, findings.applicationProtocols], ['done', []])
  }
})

test('tls_inspector leaves plaintext alone', () => {
  const { verdict, findings } = inspect('tls_inspector', 'GET / HTTP/1.1\r\n')
  assert.deepEqual([verdict, findings.transportProtocol], ['done', ''])
  assert.equal(inspect('tls_inspector', '\x16').verdict, 2)
})

const V1 = 'PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n'
const V2_TLVS = '\x02\0\x01a\xea\0\x01b'
const V2 = `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\x01\x02\x03\x04\x05\x06\x07\x08\x04\x57\x08\xae${V2_TLVS}`

test('proxy_protocol takes the header and the addresses, and the TLVs that are asked for', () => {
  for (const header of [V1, V2]) {
    const { verdict, findings } = inspect('proxy_protocol', `${header}rest`)
    assert.equal(verdict, 'done')
    assert.equal(findings.consumed, header.length)
    assert.equal(findings.announced?.sourceIp, '1.2.3.4')
    assert.equal(findings.tlvs.length, 0)
  }
  const all = proxyProtocol({ passThroughTlvs: {} })
  assert.equal(inspect('proxy_protocol', V2, all).findings.tlvs.toString('latin1'), V2_TLVS)
  const one = proxyProtocol({ passThroughTlvs: { matchType: MatchType.INCLUDE, tlvType: [0xea] } })
  assert.equal(inspect('proxy_protocol', V2, one).findings.tlvs.toString('latin1'), '\xea\0\x01b')
})

test('proxy_protocol refuses what has no header, a wrong one, or one of a version disallowed; each is counted', () => {
  const stats = new FakeStats()
  const strict = filter(
    'proxy_protocol',
    proxyProtocol({ disallowedVersions: [Version.V1], statPrefix: 'edge' }),
    stats,
  )
  const verdict = (text: string): Verdict => strict.inspect(Buffer.from(text, 'latin1'), new Findings())
  assert.equal(verdict('GET / HTTP/1.1'), 'refuse')
  assert.equal(verdict(V1), 'refuse')
  assert.equal(verdict(V2.replace('\x21\x11', '\x21\x12')), 'refuse')
  assert.equal(verdict(V2), 'done')
  assert.equal(stats.value('proxy_proto.edge.not_found_disallowed'), 1)
  assert.equal(stats.value('proxy_proto.edge.versions.v1.disallowed'), 1)
  assert.equal(stats.value('proxy_proto.edge.versions.v2.error'), 1)
  assert.equal(stats.value('proxy_proto.edge.versions.v2.found'), 1)
  assert.equal(stats.value('downstream_cx_proxy_proto_error'), 2)

  const lax = proxyProtocol({ disallowedVersions: [Version.V2], allowRequestsWithoutProxyProtocol: true })
  for (const text of ['GET /', V2, '\r']) {
    const { verdict, findings } = inspect('proxy_protocol', text, lax)
    assert.deepEqual([verdict, findings.consumed, findings.announced], ['done', 0, null])
  }
  assert.equal(inspect('proxy_protocol', 'P', lax).verdict, 2)
})

test('a config of another type is a problem, and so is a field that is not honoured', () => {
  for (const factory of LISTENER_FILTERS.values()) {
    assert.equal(factory.compile(create(AnySchema, { typeUrl: 'x' }), 'typed_config', new FakeStats()).ok, false)
  }
  const factory = [...LISTENER_FILTERS.values()].find(({ name }) => name.endsWith('proxy_protocol'))!
  const config = proxyProtocol({ rules: [{}], passThroughTlvs: { tlvType: [256] } })
  const compiled = factory.compile(config, 'at', new FakeStats())
  assert.deepEqual(compiled.ok || compiled.problems.map(({ path }) => path), [
    'at.rules',
    'at.pass_through_tlvs.tlv_type[0]',
  ])
})

/** A record of a handshake message of this length, with its own bytes behind the head. */
const tlsRecords = fc
  .record({
    body: fc.uint8Array({ minLength: 40, maxLength: 300 }),
    split: fc.integer({ min: 1, max: 64 }),
    tail: fc.string(),
  })
  .map(({ body, split, tail }) => {
    const message = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 0xff]), body])
    const records: Buffer[] = []
    for (let at = 0; at < message.length; at += split) {
      const fragment = message.subarray(at, at + split)
      records.push(Buffer.from([0x16, 3, 1, 0, fragment.length]), fragment)
    }
    return Buffer.concat([...records, Buffer.from(tail, 'latin1')])
  })
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const anyBytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 200 }).map(bytes => Buffer.from(bytes)),
  fc.string({ minLength: 1 }).map(text => latin1(`GET /${text} HTTP/1.1\r\n`)),
  fc
    .constantFrom('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxyz', 'PRI * HTTP/1.1\r\n', 'PRI * HTTP/2.0\r\n\r\nSX', V1, V2)
    .map(latin1),
  fc.nat(9000).map(length => latin1(`POST /${'x'.repeat(length)} HTTP/1.0\r\n`)),
  tlsRecords,
)

test('what a filter finds does not depend on how the bytes are cut', () => {
  for (const name of ['tls_inspector', 'http_inspector', 'proxy_protocol']) {
    const inspector = filter(name)
    /** As a connection shows them: `undecided` when the bytes do not suffice. */
    const outcome = (bytes: Buffer, sizes: Iterator<number>): unknown => {
      const findings = new Findings()
      let needed = 1
      for (let length = 0; length < bytes.length; ) {
        length = Math.min(bytes.length, length + sizes.next().value!)
        if (length < needed) continue
        const verdict = inspector.inspect(bytes.subarray(0, Math.min(length, inspector.maxBytes)), findings)
        if (typeof verdict !== 'number') return { verdict, ...findings }
        if (length >= inspector.maxBytes) return { verdict: 'done', ...findings }
        assert.ok(verdict > length)
        needed = verdict
      }
      return 'undecided'
    }
    fc.assert(
      fc.property(anyBytes, fc.infiniteStream(fc.integer({ min: 1, max: 100 })), (bytes, sizes) => {
        assert.deepEqual(outcome(bytes, sizes), outcome(bytes, [bytes.length].values()))
      }),
      { numRuns: 1000 },
    )
  }
})

test('a second byte that no PROXY header has is refused at once, not when a whole header would have come', () => {
  assert.equal(filter('proxy_protocol').inspect(latin1('\r'), new Findings()), 2)
  assert.equal(filter('proxy_protocol').inspect(latin1('\r\0'), new Findings()), 'refuse')
})

test('a hello that comes byte by byte is looked at a handful of times', () => {
  const inspector = filter('tls_inspector')
  const body = Buffer.alloc(16_000)
  const records: Buffer[] = []
  const message = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 0xff]), body])
  for (let at = 0; at < message.length; at += 100) {
    const fragment = message.subarray(at, at + 100)
    records.push(Buffer.from([0x16, 3, 1, 0, fragment.length]), fragment)
  }
  const bytes = Buffer.concat(records)
  let looks = 0
  for (let needed = 1; needed <= bytes.length; looks++) {
    const verdict = inspector.inspect(bytes.subarray(0, needed), new Findings())
    if (typeof verdict !== 'number') break
    needed = verdict
  }
  assert.ok(looks < 20, `${looks} looks`)
})
