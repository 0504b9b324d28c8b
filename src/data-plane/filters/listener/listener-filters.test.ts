import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import type { DetectedProtocol } from './contract/listener-filter.ts'
import { LISTENER_FILTERS } from './registry.ts'

function inspect(name: string, text: string): { verdict: string; detected: DetectedProtocol } {
  const factory = [...LISTENER_FILTERS.values()].find(candidate => candidate.name.endsWith(name))!
  const compiled = factory.compile(create(AnySchema, { typeUrl: factory.typeUrl }), 'typed_config')
  assert.ok(compiled.ok)
  const detected: DetectedProtocol = { transportProtocol: '', serverName: '', applicationProtocols: [] }
  return { verdict: compiled.value.inspect(Buffer.from(text, 'latin1'), detected), detected }
}

test('http_inspector knows HTTP/1.0, HTTP/1.1 and the HTTP/2 preface', () => {
  assert.deepEqual(inspect('http_inspector', 'GET / HTTP/1.1\r\n').detected.applicationProtocols, ['http/1.1'])
  assert.deepEqual(inspect('http_inspector', 'GET / HTTP/1.0\r\n').detected.applicationProtocols, ['http/1.0'])
  assert.deepEqual(inspect('http_inspector', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').detected.applicationProtocols, ['h2c'])
  for (const partial of ['', 'G', 'GET / HT', 'PRI * HTT', 'PRI /x']) {
    assert.equal(inspect('http_inspector', partial).verdict, 'more', partial)
  }
  for (const other of ['\x16\x03', 'get / x\r\n', 'GET / SPDY/1\r\n', `GET /${'x'.repeat(9000)}`]) {
    const { verdict, detected } = inspect('http_inspector', other)
    assert.deepEqual([verdict, detected.applicationProtocols], ['done', []])
  }
})

test('tls_inspector leaves plaintext alone', () => {
  const { verdict, detected } = inspect('tls_inspector', 'GET / HTTP/1.1\r\n')
  assert.deepEqual([verdict, detected.transportProtocol], ['done', ''])
  assert.equal(inspect('tls_inspector', '\x16').verdict, 'more')
})

test('a config of another type is a problem', () => {
  for (const factory of LISTENER_FILTERS.values()) {
    assert.equal(factory.compile(create(AnySchema, { typeUrl: 'x' }), 'typed_config').ok, false)
  }
})
