import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import { SecretSchema } from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import { parse } from '../mesh-fixture.ts'
import { takeSecret } from './delivered-secret.ts'
import { SecretStore } from './secret-store.ts'

const authority = await TestAuthority.create()
const { certificateChain, privateKey } = await authority.issueSpiffe('spiffe://a/1')
const list = await authority.revoke(await authority.issue({ names: [] }))
const trusted_ca = { inline_string: authority.bundle }

function take(secret: JsonObject, store: SecretStore, identity: { takeTrustBundle(): void } | null = null): string[] {
  return takeSecret(parse(SecretSchema, secret), store, identity).map(({ message }) => message)
}

test('a list of revoked certificates is taken whole, or the secret is not', () => {
  const store = new SecretStore()
  const of = (crl: string): JsonObject => ({
    name: 'ca',
    validation_context: { trusted_ca, crl: { inline_string: crl } },
  })
  for (const unusable of ['', 'binary', list.slice(0, 100)]) assert.equal(take(of(unusable), store).length, 1)
  assert.equal(store.trustedCa('ca'), undefined)
  assert.deepEqual(take(of(list), store), [])
  assert.equal(store.trustedCa('ca')?.includes(list.trim()), true)

  const mesh = { ...of(list), name: 'ROOTCA' }
  const refused = ["the mesh's trust bundle takes no list of revoked certificates"]
  assert.deepEqual(take(mesh, store, { takeTrustBundle: () => assert.fail('taken') }), refused)
})

test('of a chain that came with its key in one text nobody is shown the key', () => {
  const store = new SecretStore()
  const both = { inline_string: privateKey + certificateChain }
  assert.deepEqual(take({ name: 'a', tls_certificate: { certificate_chain: both, private_key: both } }, store), [])
  assert.equal(store.keyPair('a')?.certificateChain, certificateChain)
})

test('a rotation to what cannot be used is refused, and the secret before stays', async () => {
  const store = new SecretStore()
  const other = await authority.issueSpiffe('spiffe://a/2')
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  const pair = (chain: string, key: string): JsonObject => ({
    name: 'a',
    tls_certificate: { certificate_chain: { inline_string: chain }, private_key: { inline_string: key } },
  })
  const roots = (pem: string): JsonObject => ({
    name: 'ca',
    validation_context: { trusted_ca: { inline_string: pem } },
  })
  assert.deepEqual([...take(pair(certificateChain, privateKey), store), ...take(roots(authority.bundle), store)], [])
  const none = 'no certificate, which begins with -----BEGIN CERTIFICATE-----'
  for (const [secret, problem] of [
    [pair('', privateKey), none],
    [pair(certificateChain + broken, privateKey), 'certificate 2 of 2 cannot be read'],
    [pair(other.certificateChain, privateKey), 'key and certificate do not belong together'],
    [pair(certificateChain, 'junk'), 'no private key, in PEM and without a password'],
    [roots(''), none],
    [roots('junk'), none],
    [roots(authority.bundle + broken), 'certificate 2 of 2 cannot be read'],
  ] as const)
    assert.deepEqual(take(secret, store), [problem])
  assert.equal(store.keyPair('a')?.certificateChain, certificateChain)
  assert.equal(store.trustedCa('ca'), authority.bundle)
})
