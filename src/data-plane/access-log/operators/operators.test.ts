// What Envoy prints is compared over traffic (test/differential/corpus/access-log.ts); here is what traffic does not show.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { CertificateDetails, distinguishedName } from '../../../transport/tls/certificate-details.ts'
import { TestAuthority } from '../../../transport/tls/certificate-fixture.ts'
import type { ConnectionInfo } from '../../connection-info.ts'
import { StreamInfo } from '../../stream-info.ts'
import { StreamRecord } from '../../stream-record.ts'
import { fakeConnection } from '../../testing/fake-connection.ts'
import { UpstreamConnectionInfo } from '../../upstream-connection-info.ts'
import { compileFormat, compileHeaderFormat, textOf } from '../command-operators.ts'

const connection = fakeConnection({
  id: 7,
  directLocalAddress: '[::1]:15002',
  filterChain: 'outer',
  requestedServerName: 'a.test',
})

function stream(more: Partial<ConnectionInfo> = {}): StreamInfo {
  const info = new StreamInfo({ ...connection, ...more }, Date.UTC(2026, 0, 2, 3, 4, 5, 6), 1000)
  info.method = 'POST'
  info.path = '/a/b?q=1&empty=&a%20b=c'
  info.authority = 'b.test:80'
  info.responseCode = 200
  return info
}

function print(format: string, info: StreamInfo): string {
  const compiled = compileFormat(format)
  assert.ok('parts' in compiled, JSON.stringify(compiled))
  return compiled.parts
    .map(part => {
      const value = typeof part === 'string' ? part : part(info)
      return value === null ? '-' : textOf(value)
    })
    .join('')
}

function faultOf(format: string): string {
  const compiled = compileFormat(format)
  return 'fault' in compiled ? compiled.fault : ''
}

test('moments of a stream, and what lies between them', () => {
  const info = stream()
  const all =
    '%REQUEST_DURATION% %REQUEST_TX_DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION% ' +
    '%COMMON_DURATION(DS_RX_BEG:US_TX_BEG:us)% %COMMON_DURATION(US_RX_END:US_RX_BEG)%'
  assert.equal(print(all, info), '- - - - - -')
  const record = new StreamRecord()
  info.record = record
  record.beginTry(1001)
  record.sentUpstream(1002, false)
  record.beginTry(1003)
  record.poolReady = 1003.5
  record.sentUpstream(1004.25, false)
  record.sentUpstream(1005, true)
  record.receivedUpstream(1010, false)
  record.receivedUpstream(1012, true)
  record.lastDownstreamRx = 1004.9
  record.lastDownstreamTx = 1013
  assert.equal(print(all, info), '4 5 10 3 4250 -')
  assert.equal(print('%UPSTREAM_CONNECTION_POOL_READY_DURATION%', info), '0')
  // No line is written while a header is.
  for (const name of ['EMIT_TIME', 'EMIT_TIME_LOCAL']) assert.ok('fault' in compileHeaderFormat(`%${name}(%s)%`), name)
})

test('every try, and the connections by which they went', () => {
  const info = stream()
  info.record = new StreamRecord()
  info.goTo({ key: '127.0.0.1:1', hostname: 'one.test:81' })
  info.goTo({ key: '[::1]:2', hostname: '' })
  const by = new UpstreamConnectionInfo('HTTP/2', 0)
  info.goBy(by)
  assert.equal(
    print('%UPSTREAM_HOSTS_ATTEMPTED% %UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT%', info),
    '127.0.0.1:1,[::1]:2 127.0.0.1,::1',
  )
  assert.equal(print('%UPSTREAM_HOST_NAMES_ATTEMPTED%', info), 'one.test:81,[::1]:2')
  assert.equal(print('%UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT%', info), 'one.test,[::1]')
  assert.equal(print('%UPSTREAM_PROTOCOL% %UPSTREAM_CONNECTION_IDS_ATTEMPTED%', info), `HTTP/2 ${by.id}`)
})

test('paths, parameters and names, as they came and as they are sent', () => {
  const info = stream()
  info.requestHeaders = ['x-envoy-original-path', '/first?x', 'x-envoy-original-host', 'first.test']
  assert.equal(
    print('%PATH% %PATH(NQ)% %PATH(WQ:PATH)% %PATH(NQ:ORIG)%', info),
    '/first?x /first /a/b?q=1&empty=&a%20b=c /first',
  )
  assert.equal(print('%QUERY_PARAM(q)% %QUERY_PARAM(none)%', info), '1 -')
  const name = (argument: string): string => print(`%REQUESTED_SERVER_NAME(${argument})%`, info)
  assert.deepEqual(['SNI_ONLY', 'HOST_FIRST', 'HOST_FIRST:HOST', 'SNI_FIRST'].map(name), [
    'a.test',
    'first.test',
    'b.test:80',
    'a.test',
  ])
  assert.match(faultOf('%PATH(XX)%'), /takes WQ or NQ/)
  assert.match(faultOf('%REQUESTED_SERVER_NAME(XX)%'), /takes SNI_ONLY/)
})

test('gRPC: by name, by number, and what a response of HTTP means to it', () => {
  const info = stream()
  const all = '%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS_NUMBER%'
  assert.equal(print(all, info), '- - -')
  info.requestHeaders = ['content-type', 'application/grpc+proto']
  info.responseCode = 503
  assert.equal(print(all, info), 'Unavailable UNAVAILABLE 14')
  info.responseHeaders = ['grpc-status', '7']
  assert.equal(print(all, info), 'PermissionDenied PERMISSION_DENIED 7')
  info.responseTrailers = ['grpc-status', '1']
  assert.equal(print(all, info), 'Canceled CANCELLED 1')
  for (const [said, status] of [
    ['0x5', -1],
    ['1e1', -1],
    [' 3 ', -1],
    ['+1', -1],
    ['', 7],
    ['99', 99],
  ] as const) {
    info.responseTrailers = ['grpc-status', said]
    assert.equal(print('%GRPC_STATUS_NUMBER%', info), String(status), said)
  }
})

test('the first of several that has anything to say', () => {
  const coalesce =
    '%COALESCE({"operators": ["ROUTE_NAME", {"command": "REQ", "param": ":authority", "max_length": 3}]})%'
  const info = stream()
  assert.equal(print(coalesce, info), 'b.t')
  info.routeName = 'r'
  assert.equal(print(coalesce, info), 'r')
  for (const argument of [
    '',
    'x',
    '{}',
    '{"operators": []}',
    '{"operators": [1]}',
    '{"operators": [{"command": "REQ", "max_length": 0}]}',
  ])
    assert.match(faultOf(`%COALESCE(${argument})%`), /needs JSON/)
  assert.equal(faultOf('%COALESCE({"operators": ["NO_SUCH"]})%'), '%NO_SUCH% is not known')
  // What is for access logs alone is so in here, too.
  const timed = compileFormat('%COALESCE({"operators": ["REQUEST_DURATION"]})%')
  assert.ok('parts' in timed && timed.needsRecord)
})

test('metadata: one value, what is below it, and all of a namespace', () => {
  const info = stream()
  info.addMetadata('f', 'k', { a: ['x"y', 1, true, null] })
  info.addMetadata('f', 'l', 'text')
  assert.equal(print('%DYNAMIC_METADATA(f:l)% %DYNAMIC_METADATA(f:k:a)%', info), 'text ["x\\"y",1,true,null]')
  assert.equal(print('%DYNAMIC_METADATA(f)%', info), '{"k":{"a":["x\\"y",1,true,null]},"l":"text"}')
  assert.equal(print('%DYNAMIC_METADATA(f:k:b)% %DYNAMIC_METADATA(g)%', info), '- -')
  assert.match(faultOf('%DYNAMIC_METADATA(f:)%'), /needs a namespace/)
})

test('certificates: names of every kind, serial, bounds, and the handshake', async () => {
  const authority = await TestAuthority.create()
  const { certificateChain } = await authority.issue({
    subject: 'CN=client,O=Weft',
    names: [
      { type: 'url', value: 'spiffe://td/a' },
      { type: 'url', value: 'spiffe://td/b' },
      { type: 'ip', value: '10.1.2.3' },
    ],
  })
  const certificate = new X509Certificate(certificateChain)
  const details = new CertificateDetails(certificate)
  const peer = { uriSan: 'spiffe://td/a', dnsSans: [], subject: details.subject, sha256: details.sha256, details }
  const handshake = {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    serverName: 'a.test',
    peer: details,
    local: details,
  }
  const info = stream({ peer, handshake, tls: true })
  assert.equal(
    print(
      '%DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_IP_SAN% %DOWNSTREAM_PEER_EMAIL_SAN% %DOWNSTREAM_PEER_DNS_SAN%',
      info,
    ),
    'spiffe://td/a,spiffe://td/b 10.1.2.3 - -',
  )
  assert.equal(print('%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER%', info), 'TLSv1.3 TLS_AES_256_GCM_SHA384')
  assert.equal(print('%DOWNSTREAM_PEER_SERIAL%', info), certificate.serialNumber.toLowerCase())
  assert.equal(print('%DOWNSTREAM_PEER_CERT%', info), encodeURIComponent(certificate.toString()))
  assert.equal(
    print('%DOWNSTREAM_PEER_CERT_V_END(%s)%', info).replaceAll('%', ''),
    String(Math.floor(certificate.validToDate.getTime() / 1000)),
  )
  assert.equal(print('%UPSTREAM_PEER_SUBJECT% %UPSTREAM_TLS_VERSION%', info), '- -')
})

test('names of a certificate are as an Envoy prints them', async () => {
  const { certificateChain } = await (await TestAuthority.create()).issue({ subject: 'CN=Zoë Ā,O=A', names: [] })
  const details = new CertificateDetails(new X509Certificate(certificateChain))
  assert.equal(details.subject, String.raw`O=A,CN=Zo\C3\AB \C4\80`)
  const printed = String.raw`O=Q\"uo\\te\, x`
  assert.equal(distinguishedName(`${printed}\nCN=Zoë`), String.raw`CN=Zo\C3\AB,${printed}`)
})

test('a certificate whose bounds are no times has none to tell', async () => {
  const { certificateChain } = await (await TestAuthority.create()).issue({ subject: 'CN=client', names: [] })
  const { raw } = new X509Certificate(certificateChain)
  // UTCTime (RFC 5280 4.1.2.5.1), both of them.
  for (let at = raw.indexOf('\x17\x0d'); at !== -1; at = raw.indexOf('\x17\x0d', at + 15))
    raw.write('9'.repeat(12), at + 2)
  const details = new CertificateDetails(new X509Certificate(raw))
  const peer = { uriSan: '', dnsSans: [], subject: '', sha256: '', details }
  const info = stream({ peer, tls: true })
  for (const conversion of ['%b', '%c', '%F', '%T', '%s', '%3f']) {
    const format = `%DOWNSTREAM_PEER_CERT_V_START(${conversion})% %DOWNSTREAM_PEER_CERT_V_END(${conversion})%`
    assert.equal(print(format, info), '- -')
  }
})

test('addresses of the socket itself, the chain, and an id of its own for each TCP connection', () => {
  const info = stream()
  info.protocol = ''
  assert.equal(
    print(
      '%DOWNSTREAM_DIRECT_LOCAL_ADDRESS% %DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_DIRECT_LOCAL_PORT% %FILTER_CHAIN_NAME%',
      info,
    ),
    '[::1]:15002 ::1 15002 outer',
  )
  const [first, second] = print('%STREAM_ID% %STREAM_ID%', info).split(' ')
  assert.equal(first, second)
  assert.notEqual(print('%UNIQUE_ID%', info), print('%UNIQUE_ID%', info))
  assert.equal(print('%ENVIRONMENT(WEFT_NO_SUCH_VARIABLE)%', info), '-')
})
