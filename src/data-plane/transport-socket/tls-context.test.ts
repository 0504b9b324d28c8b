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
import { compileApplicationProtocols } from './tls-parameters-config.ts'
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

test('material that no connection could use is a problem of the config, at the field that is at fault', async () => {
  const authority = await TestAuthority.create()
  const own = await authority.issue({ names: [] })
  const other = await authority.issue({ names: [] })
  const rsa = await authority.issue({ names: [], rsa: true })
  const pair = (certificateChain: string, privateKey: string): JsonObject => ({
    certificate_chain: { inline_string: certificateChain },
    private_key: { inline_string: privateKey },
  })
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  const certificates = (...pairs: JsonObject[]): JsonObject => ({ tls_certificates: pairs })
  const trusting = (pem: string): JsonObject => ({ validation_context: { trusted_ca: { inline_string: pem } } })
  const parameters = (fields: JsonObject): JsonObject => ({ tls_params: fields })
  const chainAt = 'tls_certificates[0].certificate_chain'
  const keyAt = 'tls_certificates[0].private_key'
  const authorityAt = 'validation_context.trusted_ca'
  const none = 'no certificate, which begins with -----BEGIN CERTIFICATE-----'
  const cases: readonly [JsonObject, string][] = [
    [certificates(pair('', own.privateKey)), `${chainAt}: is empty`],
    [certificates(pair('junk', own.privateKey)), `${chainAt}: ${none}`],
    [
      certificates(pair(own.certificateChain + broken, own.privateKey)),
      `${chainAt}: certificate 2 of 2 cannot be read`,
    ],
    [certificates(pair(own.certificateChain, '')), `${keyAt}: is empty`],
    [certificates(pair(own.certificateChain, 'junk')), `${keyAt}: no private key, in PEM and without a password`],
    [
      certificates(pair(own.certificateChain, other.privateKey)),
      `${keyAt}: key and certificate do not belong together`,
    ],
    [certificates(pair(own.certificateChain, rsa.privateKey)), `${keyAt}: key and certificate do not belong together`],
    [trusting(''), `${authorityAt}: is empty`],
    [trusting('junk'), `${authorityAt}: ${none}`],
    [trusting(own.privateKey), `${authorityAt}: ${none}`],
    [trusting(authority.bundle + broken), `${authorityAt}: certificate 2 of 2 cannot be read`],
    ...['NOPE', 'NULL-SHA', 'ALL', 'aes128-sha', 'TLS_AES_128_GCM_SHA256', 'AES128-SHA:NOPE', '[AES128-SHA', ''].map(
      (name): [JsonObject, string] => [
        parameters({ cipher_suites: ['AES128-SHA', name] }),
        `tls_params.cipher_suites[1]: ${name} is no cipher suite of TLS 1.2 that can be chosen`,
      ],
    ),
    ...['NOPE', 'auto', '?X25519', 'X25519:P-256'].map((name): [JsonObject, string] => [
      parameters({ ecdh_curves: ['X25519', name] }),
      `tls_params.ecdh_curves[1]: ${name} is no curve that can be chosen`,
    ]),
    ...['nope', '?ed25519', ''].map((name): [JsonObject, string] => [
      parameters({ signature_algorithms: ['ECDSA+SHA256', name] }),
      `tls_params.signature_algorithms[1]: ${name} is no algorithm that can be chosen`,
    ]),
  ]
  const common = 't.typed_config.common_tls_context'
  for (const [context, problem] of cases) {
    const upstream = createTransportCompiler(systemNetwork, new SecretStore())(
      tls('UpstreamTlsContext', context),
      't',
      [],
    )
    const downstream = new ResourceCheck('Listener l')
    const whole = { ...certificates(pair(own.certificateChain, own.privateKey)), ...context }
    compileDownstreamTransport(tls('DownstreamTlsContext', whole), 't', new SecretStore(), downstream)
    const texts = [upstream.ok ? [] : upstream.problems, downstream.problems].map(problems =>
      problems.map(({ path, message }) => `${path}: ${message}`),
    )
    assert.deepEqual(texts, [[`${common}.${problem}`], [`${common}.${problem}`]])
  }
  const good = {
    ...parameters({
      cipher_suites: ['[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]', 'AES128-SHA'],
      ecdh_curves: ['X25519', 'P-256'],
      signature_algorithms: ['ecdsa_secp256r1_sha256', 'RSA+SHA256'],
    }),
    ...certificates(pair(own.certificateChain, own.privateKey)),
    ...trusting(`the mesh's own\n${authority.bundle}`),
  }
  assert.ok(createTransportCompiler(systemNetwork, new SecretStore())(tls('UpstreamTlsContext', good), 't', []).ok)
})

test('a server shows one certificate for each kind of key, a client one', async () => {
  const authority = await TestAuthority.create()
  const issued = [false, true, false].map(rsa => authority.issue({ names: [], ...(rsa && { rsa: true as const }) }))
  const tls_certificates = (await Promise.all(issued)).map(({ certificateChain, privateKey }) => ({
    certificate_chain: { inline_string: certificateChain },
    private_key: { inline_string: privateKey },
  }))
  const server = new ResourceCheck('Listener l')
  const compileServer = (count: number): void => {
    const context = { tls_certificates: tls_certificates.slice(0, count) }
    compileDownstreamTransport(tls('DownstreamTlsContext', context), 't', new SecretStore(), server)
  }
  compileServer(2)
  assert.deepEqual(server.problems, [])
  compileServer(3)
  const at = 't.typed_config.common_tls_context'
  assert.deepEqual(
    server.problems.map(({ path, message }) => `${path}: ${message}`),
    [`${at}.tls_certificates[2]: is the second with a key of ec`],
  )
  const compile = createTransportCompiler(systemNetwork, new SecretStore())
  const client = compile(tls('UpstreamTlsContext', { tls_certificates: tls_certificates.slice(0, 2) }), 't', [])
  assert.deepEqual(client.ok ? [] : client.problems.map(({ path, message }) => `${path}: ${message}`), [
    `${at}: a client has one certificate`,
  ])
})

test('server names and protocols that cannot be said are problems; of protocols an entry may be several, or none', () => {
  const compile = createTransportCompiler(systemNetwork, new SecretStore())
  const problemsOf = (sni: string, alpn_protocols: string[] = []): unknown[] => {
    const compiled = compile(tls('UpstreamTlsContext', { alpn_protocols }, { sni }), 't', [])
    return compiled.ok ? [] : compiled.problems.map(({ path, message }) => `${path}: ${message}`)
  }
  const protocols =
    't.typed_config.common_tls_context.alpn_protocols: must be names of 1 to 255 bytes, and less than 64 KiB'
  const many = Array.from({ length: 300 }, () => 'x'.repeat(250))
  for (const alpn of [['x'.repeat(256)], ['', 'h2'], ['h2,'], many])
    assert.deepEqual(problemsOf('a', alpn), [protocols])
  assert.deepEqual(problemsOf('a\0b'), ['t.typed_config.sni: must not hold NUL'])
  assert.deepEqual(problemsOf('x'.repeat(256)), ['t.typed_config.sni: must be at most 255 bytes'])
  for (const alpn of [[''], ['h2,http/1.1'], ['x'.repeat(255)]]) assert.deepEqual(problemsOf('127.0.0.1', alpn), [])

  const check = new ResourceCheck('')
  assert.deepEqual(compileApplicationProtocols(['h2,http/1.1', 'x'], '', check), ['h2', 'http/1.1', 'x'])
  assert.deepEqual(compileApplicationProtocols([''], '', check), [])
})
