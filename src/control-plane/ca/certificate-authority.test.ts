import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import 'reflect-metadata'
import {
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509'
import { FakeClock, systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { SeededRandom, systemRandom } from '../../base/random.ts'
import { openDatabase } from '../store/database.ts'
import { CertificateAuthority } from './certificate-authority.ts'
import { readCertificateRequest } from './certificate-request.ts'
import { JoinTokens } from './join-tokens.ts'
import { bearsToken, openOperatorToken } from './operator-token.ts'

const IDENTITY = 'spiffe://cluster.local/ns/default/sa/reviews'
const HOUR = 3_600_000

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'weft-ca-'))
  after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function open(path: string, clock = systemClock, trustDomain = 'cluster.local') {
  const options = { directory: path, trustDomain, maxLeafLifeMs: 24 * HOUR }
  return CertificateAuthority.open({ ...options, clock, random: systemRandom, log: silentLog })
}

async function request(names: JsonGeneralNames | string, namedCurve = 'P-256') {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve }, true, ['sign', 'verify'])
  const list: JsonGeneralNames = typeof names === 'string' ? [{ type: 'url', value: names }] : names
  const csr = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=anything, O=root',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new SubjectAlternativeNameExtension(list), new KeyUsagesExtension(KeyUsageFlags.keyCertSign)],
  })
  return csr.toString('pem')
}

async function publicKey() {
  const verdict = await readCertificateRequest(await request(IDENTITY))
  assert.ok(verdict.ok)
  return verdict.request.publicKey
}

test('a leaf is an SVID that chains to the root, and takes nothing but its key from the request', async () => {
  const authority = await open(directory())
  const { chain } = await authority.issue(await publicKey(), IDENTITY, 0)
  const [leaf, intermediate, root] = chain.map(pem => new X509Certificate(pem))
  assert.ok(leaf && intermediate && root)
  assert.equal(leaf.subjectAltName, `URI:${IDENTITY}`)
  assert.equal(leaf.subject, undefined)
  assert.equal(leaf.ca, false)
  assert.ok(leaf.checkIssued(intermediate) && leaf.verify(intermediate.publicKey))
  assert.ok(intermediate.checkIssued(root) && intermediate.verify(root.publicKey))
  assert.ok(root.verify(root.publicKey))
  assert.equal(intermediate.ca && root.ca, true)
  assert.ok(authority.trustBundle.includes(root.toString().trim()))
})

test('lives are bounded, and begin a little in the past', async () => {
  const authority = await open(directory())
  const life = async (wish: number): Promise<number> => {
    const { chain } = await authority.issue(await publicKey(), IDENTITY, wish)
    const leaf = new X509Certificate(chain[0]!)
    assert.ok(Date.parse(leaf.validFrom) < Date.now() - 60_000)
    return Date.parse(leaf.validTo) - Date.now()
  }
  assert.ok(Math.abs((await life(HOUR)) - HOUR) < 5000)
  assert.ok(Math.abs((await life(0)) - 24 * HOUR) < 5000)
  assert.ok(Math.abs((await life(1000 * HOUR)) - 24 * HOUR) < 5000)
})

test('keys are readable by their owner only, and are found again', async () => {
  const path = directory()
  const first = await open(path)
  for (const name of ['root.key', 'intermediate.key'])
    assert.equal(statSync(join(path, 'ca', name)).mode & 0o777, 0o600)
  assert.equal(statSync(join(path, 'ca')).mode & 0o777, 0o700)
  assert.equal((await open(path)).trustBundle, first.trustBundle)
})

test('a damaged or missing file of the authority is an error, never a new authority', async () => {
  const path = directory()
  await open(path)
  unlinkSync(join(path, 'ca/root.key'))
  await assert.rejects(open(path), /root\.key is missing/)
  writeFileSync(join(path, 'ca/root.key'), 'not a key')
  await assert.rejects(open(path), /cannot be used/)
})

test('a process killed while it wrote them leaves files that the next one can use', async () => {
  const path = directory()
  const first = await open(path)
  const other = directory()
  await open(other)
  copyFileSync(join(other, 'ca/intermediate.key'), join(path, 'ca/intermediate.key'))
  const second = await open(path)
  assert.equal(second.trustBundle, first.trustBundle)
  const chain = (await second.issue(await publicKey(), IDENTITY, 0)).chain.map(pem => new X509Certificate(pem))
  assert.ok(chain[0]!.verify(chain[1]!.publicKey) && chain[1]!.verify(chain[2]!.publicKey))
  copyFileSync(join(other, 'ca/root.key'), join(path, 'ca/root.key'))
  await assert.rejects(open(path), /do not belong together/)
  const unfinished = directory()
  mkdirSync(join(unfinished, 'ca'))
  copyFileSync(join(other, 'ca/root.key'), join(unfinished, 'ca/root.key'))
  await open(unfinished)
})

test('an authority is of one trust domain for good', async () => {
  const path = directory()
  await open(path)
  await assert.rejects(open(path, systemClock, 'other.example'), /spiffe:\/\/cluster\.local, .* other\.example/)
})

test('the intermediate is replaced long before its end, under the same root', async () => {
  const path = directory()
  const clock = new FakeClock(Date.now())
  const authority = await open(path, clock)
  const key = await publicKey()
  const before = (await authority.issue(key, IDENTITY, 0)).chain
  clock.advance(320 * 24 * HOUR)
  await authority.renewIntermediateIfDue()
  const afterwards = (await authority.issue(key, IDENTITY, 0)).chain
  assert.notEqual(afterwards[1], before[1])
  assert.equal(afterwards[2], before[2])
})

test('requests that prove too little or ask for too much are refused', async () => {
  const reasonFor = async (pem: string): Promise<string> => {
    const verdict = await readCertificateRequest(pem)
    return verdict.ok ? 'accepted' : verdict.reason
  }
  assert.equal(await reasonFor(await request(IDENTITY)), 'accepted')
  assert.match(
    await reasonFor(
      await request([
        { type: 'url', value: IDENTITY },
        { type: 'dns', value: 'bank.example' },
      ]),
    ),
    /exactly one URI/,
  )
  assert.match(await reasonFor(await request([{ type: 'dns', value: 'bank.example' }])), /exactly one URI/)
  assert.match(await reasonFor(await request([])), /exactly one URI|cannot be read/)
  assert.match(await reasonFor('nonsense'), /cannot be read/)
  assert.match(await reasonFor('x'.repeat(20_000)), /over 16384/)
  const weak = await request(IDENTITY, 'P-521')
  assert.match(await reasonFor(weak), /P-256 or P-384/)
  const good = await request(IDENTITY)
  const der = Buffer.from(good.replace(/-----.*-----|\s/g, ''), 'base64')
  der[der.length - 3] = der[der.length - 3]! ^ 1
  assert.match(await reasonFor(der.toString('base64')), /not signed with its own key|cannot be read/)
})

test('a join token admits one key, once, for ten minutes', () => {
  const clock = new FakeClock()
  const database = openDatabase(':memory:')
  const tokens = new JoinTokens(database, clock, new SeededRandom(3))
  const grant = { namespace: 'default', name: 'reviews-v1-0', serviceAccount: 'reviews' }
  const { token } = tokens.mint(grant)
  assert.deepEqual(tokens.look(token), grant)
  assert.equal(tokens.redeem(token, 'key-a'), true)
  assert.equal(tokens.redeem(token, 'key-b'), false)
  // The answer to the first request was lost.
  assert.equal(tokens.redeem(token, 'key-a'), true)
  assert.equal(tokens.look('weft-join-guess'), null)
  const stored = JSON.stringify(database.prepare('SELECT * FROM join_token').all())
  assert.ok(!stored.includes(token))
  clock.advance(600_001)
  assert.equal(tokens.look(token), null)
  assert.equal(tokens.redeem(token, 'key-a'), false)
})

test('the operator token is made once, for its owner only', () => {
  const file = join(directory(), 'operator.token')
  const token = openOperatorToken(file, systemRandom)
  assert.equal(openOperatorToken(file, systemRandom), token)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(bearsToken(`Bearer ${token}`, token), true)
  assert.equal(bearsToken(`Bearer ${token}x`, token), false)
  assert.equal(bearsToken(undefined, token), false)
})
