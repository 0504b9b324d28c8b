import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { systemNetwork } from '../../transport/net/system-network.ts'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import type { SubjectAltNames } from '../../transport/tls/subject-alt-names.ts'
import { TransportSocketSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { SubjectAltNameMatcherSchema } from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/common_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import { parse, upstreamTls } from '../mesh-fixture.ts'
import { compileDownstreamTransport } from './downstream-tls.ts'
import { compileSanMatcher } from './san-matchers.ts'
import { SecretStore } from './secret-store.ts'
import { createTransportCompiler } from './upstream-transport-compiler.ts'

const names = (more: Partial<SubjectAltNames>): SubjectAltNames => ({
  uris: [],
  dnsNames: [],
  emails: [],
  ipAddresses: [],
  ...more,
})

function matches(matcher: JsonValue, of: Partial<SubjectAltNames>): boolean | undefined {
  const check = new ResourceCheck('test')
  return compileSanMatcher(parse(SubjectAltNameMatcherSchema, matcher), 'm', check)?.(names(of))
}

test('SAN matchers: each kind of pattern, of the kind of name asked for only', () => {
  const uris = ['spiffe://cluster.local/ns/default/sa/reviews']
  const uri = (matcher: JsonValue): JsonValue => ({ san_type: 'URI', matcher })
  assert.equal(matches(uri({ exact: uris[0]! }), { uris }), true)
  assert.equal(matches(uri({ prefix: 'spiffe://cluster.local/' }), { uris }), true)
  assert.equal(matches(uri({ prefix: 'spiffe://cluster.loca/' }), { uris }), false)
  assert.equal(matches(uri({ suffix: '/sa/reviews' }), { uris }), true)
  assert.equal(matches(uri({ contains: '/ns/default/' }), { uris }), true)
  assert.equal(matches(uri({ safe_regex: { regex: 'spiffe://[^/]+/ns/default/sa/.*' } }), { uris }), true)
  assert.equal(matches(uri({ safe_regex: { regex: 'ns/default' } }), { uris }), false)
  assert.equal(matches(uri({ exact: 'a' }), { dnsNames: ['a'] }), false)
  assert.equal(matches({ san_type: 'IP_ADDRESS', matcher: { exact: '10.0.0.1' } }, { ipAddresses: ['10.0.0.1'] }), true)
})

test('an exact DNS name is met by a wildcard certificate, one label deep', () => {
  const dns: JsonValue = { san_type: 'DNS', matcher: { exact: 'a.example.com' } }
  assert.equal(matches(dns, { dnsNames: ['A.example.com'] }), true)
  assert.equal(matches(dns, { dnsNames: ['*.example.com'] }), true)
  assert.equal(matches(dns, { dnsNames: ['*.com'] }), false)
})

const tls = (type: string, common: JsonValue, more: { [key: string]: JsonValue } = {}) =>
  parse(TransportSocketSchema, {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.${type}`,
      common_tls_context: common,
      ...more,
    },
  })

test('upstream: what is not honoured is refused, all of it', () => {
  const compile = createTransportCompiler(systemNetwork, new SecretStore())
  const bad = tls(
    'UpstreamTlsContext',
    {
      tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_2' },
      validation_context: {
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { safe_regex: { regex: '(?=x)' } } }],
        verify_certificate_hash: ['00'],
        trusted_ca: { filename: '/etc/passwd' },
      },
    },
    { allow_renegotiation: true },
  )
  const outcome = compile(bad, 'transport_socket', [])
  const common = 'transport_socket.typed_config.common_tls_context'
  assert.deepEqual(outcome.ok ? [] : outcome.problems.map(({ path }) => path), [
    'transport_socket.typed_config.allow_renegotiation',
    `${common}.validation_context.match_typed_subject_alt_names[0].matcher.safe_regex.regex`,
    `${common}.validation_context.verify_certificate_hash[0]`,
    `${common}.validation_context.trusted_ca.filename`,
    `${common}.tls_params.tls_minimum_protocol_version`,
  ])
  const unknown = compile(parse(TransportSocketSchema, { name: 'envoy.transport_sockets.quic' }), 't', [])
  assert.equal(unknown.ok, false)
  assert.equal(compile(undefined, 't', []).ok, true)
})

test('upstream: TLS without any context shows no certificate and asks for none to be trusted', () => {
  const typedConfig = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    sni: 'a',
  }
  const socket = parse(TransportSocketSchema, { name: 'tls', typed_config: typedConfig })
  const compiled = createTransportCompiler(systemNetwork, new SecretStore())(socket, 't', [])
  assert.ok(compiled.ok && compiled.value.name === 'tls')
})

test('upstream: without its secret a connection fails with the reason that Envoy gives', async () => {
  const compiled = createTransportCompiler(systemNetwork, new SecretStore())(
    parse(TransportSocketSchema, upstreamTls([])),
    't',
    [],
  )
  assert.ok(compiled.ok)
  const failure = await new Promise(resolve => compiled.value.connect('127.0.0.1', 1, resolve))
  assert.equal(failure, 'TLS_error:_Secret_is_not_supplied_by_SDS')
})

test('SANs without a trusted CA, and a server without a certificate, are problems', () => {
  const check = new ResourceCheck('Listener l')
  const sans = { match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: 'a' } }] }
  compileDownstreamTransport(tls('DownstreamTlsContext', { validation_context: sans }), 't', new SecretStore(), check)
  assert.deepEqual(
    check.problems.map(({ message }) => message),
    [
      'SAN-based verification of peer certificates without trusted CA is insecure and not allowed',
      'No TLS certificates found for server context',
    ],
  )
})

test('a list of revoked certificates that holds none, or lies where it would not be used, is a problem', async () => {
  const authority = await TestAuthority.create()
  const list = await authority.revoke(await authority.issue({ names: [] }))
  const validation = (crl: string): JsonObject => ({
    trusted_ca: { inline_string: authority.bundle },
    crl: { inline_string: crl },
  })
  const secret = { name: 'ROOTCA', sds_config: { ads: {} } }
  const combined = { default_validation_context: validation(list), validation_context_sds_secret_config: secret }
  const contexts = [{ validation_context: validation('binary') }, { combined_validation_context: combined }]
  const problemsOf = (context: JsonObject): unknown[] => {
    const compiled = createTransportCompiler(systemNetwork, new SecretStore())(
      tls('UpstreamTlsContext', context),
      't',
      [],
    )
    return compiled.ok ? [] : compiled.problems.map(({ path, message }) => `${path}: ${message}`)
  }
  const common = 't.typed_config.common_tls_context'
  const none = 'no list of revoked certificates, which begins with -----BEGIN X509 CRL-----'
  assert.deepEqual(contexts.map(problemsOf), [
    [`${common}.validation_context.crl: ${none}`],
    [`${common}.combined_validation_context.default_validation_context.crl: goes with trusted_ca, into the secret`],
  ])
})
