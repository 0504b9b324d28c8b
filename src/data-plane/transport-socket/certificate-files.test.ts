import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { silentLog } from '../../base/log.ts'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import { revocationsOf } from '../../transport/tls/pem-blocks.ts'
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

test('lists of revoked certificates: what is there and not usable revokes all, and what was good stays', async () => {
  const authority = await TestAuthority.create()
  const list = await authority.revoke(await authority.issue({ names: [] }))
  const der = Buffer.from(list.replace(/-----[^-]+-----|\s/g, ''), 'base64').toString('utf8')
  const [named, credential] = ['file-root:ca.crt~ca.crl', 'kubernetes://site-cacert']
  const files = new Map([
    ['ca.crt', authority.bundle],
    ['site/ca.crt', authority.bundle],
  ])
  const problems: unknown[] = []
  const log: Log = { ...silentLog, error: (_, fields) => problems.push(fields?.['name']) }
  const clock = new FakeClock()
  const store = new SecretStore()
  const certificates = new CertificateFiles(store, { read: name => files.get(name) ?? null }, { clock, log })
  const lists = (): number[] => [named, credential].map(name => revocationsOf(store.trustedCa(name) ?? '').length)

  for (const unusable of [der, '', list.slice(0, 100), list.replace('X509 CRL', 'CRL'), list.replace(/M/g, 'N')]) {
    files.set('ca.crl', unusable).set('site/ca.crl', unusable)
    certificates.want([named, credential])
    assert.deepEqual([store.has(named), store.has(credential)], [false, false])
    assert.deepEqual(problems.splice(0), [named, credential])
    certificates.want([])
  }
  files.set('ca.crl', list).set('site/ca.crl', list)
  certificates.want([named, credential])
  assert.deepEqual(lists(), [1, 1])

  for (const unusable of [der, list.slice(0, 100), list + list.slice(0, 100), undefined]) {
    for (const file of ['ca.crl', 'site/ca.crl'])
      if (unusable === undefined) files.delete(file)
      else files.set(file, unusable)
    clock.advance(10_000)
    assert.deepEqual(lists(), [1, 1])
    assert.deepEqual(problems.splice(0), [named, credential])
  }
  files.set('site/ca.crt', authority.bundle + list)
  files.set('ca.crl', list + list)
  clock.advance(10_000)
  assert.deepEqual(lists(), [2, 1])
  assert.deepEqual(problems, [])
  certificates.close()
})

test('a name that is wanted still is read again by the clock alone, and one that is not any more no longer', async () => {
  const authority = await TestAuthority.create()
  const read: string[] = []
  const folder = {
    read(name: string) {
      read.push(name)
      return authority.bundle
    },
  }
  const clock = new FakeClock()
  const certificates = new CertificateFiles(new SecretStore(), folder, { clock, log: silentLog })
  certificates.want(['file-root:a'])
  certificates.want(['ROOTCA', 'file-root:a'])
  assert.deepEqual(read.splice(0), ['a'])
  clock.advance(6000)
  certificates.want(['file-root:b', 'file-root:a'])
  assert.deepEqual(read.splice(0), ['b'])
  clock.advance(4000)
  assert.deepEqual(read.splice(0).sort(), ['a', 'b'])
  certificates.want(['file-root:b'])
  clock.advance(10_000)
  assert.deepEqual(read.splice(0), ['b'])
  certificates.want([])
  clock.advance(10_000)
  assert.deepEqual(read, [])
  certificates.want(['file-root:a'])
  clock.advance(10_000)
  assert.deepEqual(read, ['a', 'a'])
  certificates.close()
})

test('of a file that holds a key beside its certificates nobody is shown the key', async () => {
  const authority = await TestAuthority.create()
  const { certificateChain, privateKey } = await authority.issueSpiffe('spiffe://a/1')
  const combined = `Bag Attributes\n${privateKey}${certificateChain}`
  const store = new SecretStore()
  const folder = { read: () => combined }
  const certificates = new CertificateFiles(store, folder, { clock: new FakeClock(), log: silentLog })
  certificates.want(['kubernetes://shop', 'file-root:shop.pem'])
  assert.equal(store.keyPair('kubernetes://shop')?.certificateChain, certificateChain)
  assert.equal(store.trustedCa('file-root:shop.pem'), certificateChain)
  certificates.close()
})
