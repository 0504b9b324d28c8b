import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { silentLog } from '../../base/log.ts'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import { CertificateFiles } from './certificate-files.ts'
import { SecretStore } from './secret-store.ts'

const KEYS = 'file-cert:shop.crt~shop.key'

test('files that config names are read, and read again; what is not usable leaves what was good', async () => {
  const authority = await TestAuthority.create()
  const [first, second] = [await authority.issueSpiffe('spiffe://a/1'), await authority.issueSpiffe('spiffe://a/2')]
  const files = new Map<string, string>([['ca.crt', authority.bundle]])
  const errors: unknown[] = []
  const log: Log = { ...silentLog, error: (_, fields) => errors.push(fields?.['name']) }
  const clock = new FakeClock()
  const store = new SecretStore()
  const certificates = new CertificateFiles(store, { read: name => files.get(name) ?? null }, { clock, log })
  certificates.want(['default', KEYS, 'file-root:ca.crt'])
  assert.equal(store.trustedCa('file-root:ca.crt')?.trim(), authority.bundle.trim())
  assert.equal(store.keyPair(KEYS), undefined)
  assert.deepEqual(errors, [KEYS])

  files.set('shop.crt', first.certificateChain).set('shop.key', first.privateKey)
  clock.advance(10_000)
  assert.deepEqual(store.keyPair(KEYS), { certificateChain: first.certificateChain, privateKey: first.privateKey })

  files.set('shop.crt', second.certificateChain)
  clock.advance(10_000)
  assert.equal(store.keyPair(KEYS)?.certificateChain, first.certificateChain)
  clock.advance(10_000)
  assert.deepEqual(errors, [KEYS, KEYS], 'said once')

  files.set('shop.key', second.privateKey)
  clock.advance(10_000)
  assert.equal(store.keyPair(KEYS)?.certificateChain, second.certificateChain)
  certificates.close()
})

test('a credential is a folder of a Secret’s keys, in either form; its authority lies beside it or apart', async () => {
  const authority = await TestAuthority.create()
  const { certificateChain, privateKey } = await authority.issueSpiffe('spiffe://a/1')
  const pairOf = (folder: string, certificate: string, key: string): [string, string][] => [
    [`${folder}/${certificate}`, certificateChain],
    [`${folder}/${key}`, privateKey],
  ]
  const files = new Map([
    ...pairOf('shop', 'tls.crt', 'tls.key'),
    ...pairOf('old', 'cert', 'key'),
    ['shop/ca.crt', authority.bundle],
    ['old-cacert/cacert', authority.bundle],
  ])
  const store = new SecretStore()
  const folder = { read: (name: string) => files.get(name) ?? null }
  const certificates = new CertificateFiles(store, folder, { clock: new FakeClock(), log: silentLog })
  const names = ['shop', 'old', 'shop-cacert', 'old-cacert', 'none', 'none-cacert'].map(name => `kubernetes://${name}`)
  certificates.want(names)
  assert.deepEqual(
    names.map(name => store.has(name)),
    [true, true, true, true, false, false],
  )
  assert.deepEqual(store.keyPair('kubernetes://old'), { certificateChain, privateKey })
  assert.equal(store.trustedCa('kubernetes://old-cacert')?.trim(), authority.bundle.trim())
  certificates.close()
})
