// Whose certificates a proxy has, and when the first of them ends.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import {
  downstreamTls,
  listener,
  openProxy,
  staticCluster,
  TestIdentity,
  tcpProxy,
  upstreamTls,
} from '../mesh-fixture.ts'
import { certsJson, daysUntilFirstExpiry } from './certs-page.ts'
import { jsonText } from './json-parts.ts'

const DAY_MS = 86_400_000
const SECOND = Date.UTC(2027, 0, 2, 3, 4, 5)
const authority = await TestAuthority.create()
const { certificateChain, privateKey } = await authority.issue({
  names: [
    { type: 'url', value: 'spiffe://cluster.local/ns/default/sa/a' },
    { type: 'dns', value: 'a.test' },
    { type: 'ip', value: '10.0.0.1' },
  ],
  notBefore: SECOND - DAY_MS,
  notAfter: SECOND + 30 * DAY_MS,
})
const keyPair = { certificateChain, privateKey }

interface Certificate {
  readonly [field: string]: unknown
}

test('the authority and the certificate of each context, as Envoy prints them', () => {
  const page = [...jsonText(certsJson([{ keyPairs: [keyPair], trustedCa: authority.bundle }], SECOND + 1))].join('')
  const { certificates } = JSON.parse(page) as { certificates: { ca_cert: Certificate[]; cert_chain: Certificate[] }[] }
  const [{ ca_cert: authorities, cert_chain: chain }] = certificates as [(typeof certificates)[0]]
  assert.equal(authorities.length, 1)
  const { serial_number: serial, ...shown } = chain[0]!
  assert.match(String(serial), /^[0-9a-f]+$/)
  assert.deepEqual(shown, {
    path: '<inline>',
    subject_alt_names: [
      { dns: 'a.test' },
      { uri: 'spiffe://cluster.local/ns/default/sa/a' },
      { ip_address: '10.0.0.1' },
    ],
    days_until_expiration: '29',
    valid_from: '2027-01-01T03:04:05Z',
    expiration_time: '2027-02-01T03:04:05Z',
  })
})

test('the first end of all, authorities too; none without a certificate, 0 behind the end', () => {
  const shown = { keyPairs: [keyPair], trustedCa: null }
  assert.equal(daysUntilFirstExpiry([], SECOND), 4_294_967_295)
  assert.equal(daysUntilFirstExpiry([shown], SECOND), 30)
  assert.equal(daysUntilFirstExpiry([shown], SECOND + 31 * DAY_MS), 0)
  const trusting = { keyPairs: [], trustedCa: authority.bundle }
  assert.ok(daysUntilFirstExpiry([shown, trusting], Date.now()) <= 1)
})

test('contexts of listeners and clusters, with what has come for them; what config drops is gone', async () => {
  const proxy = openProxy()
  after(() => proxy.close())
  const count = (): number => [...proxy.tlsMaterials()].length
  const days = (): number => daysUntilFirstExpiry(proxy.tlsMaterials(), SECOND)
  proxy.apply('cluster', [staticCluster('c', 1, upstreamTls([])), staticCluster('plain', 1)])
  const chain = { filters: [tcpProxy('c')], transport_socket: downstreamTls() }
  proxy.apply('listener', [listener('l', [chain]), listener('plain', [{ filters: [tcpProxy('c')] }])])
  assert.equal(count(), 2)
  assert.equal(days(), 4_294_967_295)
  proxy.useIdentity(new TestIdentity(keyPair, ''))
  assert.equal(days(), 30)
  proxy.apply('cluster', [staticCluster('c', 1)])
  proxy.apply('listener', [listener('l', [{ filters: [tcpProxy('c')] }])])
  await proxy.listeners.settled()
  assert.equal(count(), 0)
  assert.equal(days(), 4_294_967_295)
})
