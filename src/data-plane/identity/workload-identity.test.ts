import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { Metadata, Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import { FakeClock, systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { SeededRandom } from '../../base/random.ts'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import {
  type IstioCertificateRequest,
  type IstioCertificateResponse,
  IstioCertificateResponseSchema,
  IstioCertificateService,
} from '../../xds/generated/istio/v1/auth/ca_pb.ts'
import { grpcServiceDefinition } from '../../xds/grpc-service-definition.ts'
import { trustDomainOf } from './certificate-chain.ts'
import { type CertificateCall, type CertificateSigner, requestCertificate } from './certificate-client.ts'
import { IdentityRefused, WorkloadIdentity, type WorkloadIdentityOptions } from './workload-identity.ts'

const HOUR = 3_600_000
const ID = 'spiffe://cluster.local/ns/default/sa/reviews'
const authority = await TestAuthority.create()

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-identity-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Its wall clock goes on while the machine sleeps; its timers do not. */
class SleepingClock extends FakeClock {
  sleptMs = 0

  override wallNow(): number {
    return super.wallNow() + this.sleptMs
  }
}

/** Signs what it is asked; `fail` is thrown as often as it holds errors. */
class FakeSigner {
  readonly calls: CertificateCall[] = []
  readonly fail: Error[] = []
  nextRoot = ''
  datedBackMs = 0
  lifeMs = 2 * HOUR
  readonly #clock: FakeClock
  readonly #authority: TestAuthority
  readonly #name: string

  constructor(clock: FakeClock, signingAuthority = authority, name = ID) {
    this.#clock = clock
    this.#authority = signingAuthority
    this.#name = name
  }

  readonly sign: CertificateSigner = async call => {
    this.calls.push(call)
    const failure = this.fail.shift()
    if (failure) throw failure
    const now = this.#clock.wallNow()
    const names = [{ type: 'url' as const, value: this.#name }]
    const life = { notBefore: now - this.datedBackMs, notAfter: now + this.lifeMs }
    const leaf = await this.#authority.signRequest(call.csr, { names, ...life })
    return [leaf, this.#authority.bundle + this.nextRoot]
  }
}

function options(
  clock: FakeClock,
  folder: string,
  signer: FakeSigner,
  token: string | null = 'token',
): WorkloadIdentityOptions {
  return {
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    folder,
    spiffeId: { trustDomain: 'cluster.local', namespace: 'default', serviceAccount: 'reviews' },
    trustBundle: authority.bundle,
    joinTarget: 'join:1',
    renewTarget: 'xds:2',
    token: () => token,
    sign: signer.sign,
  }
}

async function open(wish: WorkloadIdentityOptions): Promise<WorkloadIdentity> {
  const identity = await WorkloadIdentity.open(wish)
  cleanups.push(() => identity.stop())
  return identity
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}
const rejection = (code: number, details: string): Error => Object.assign(new Error(details), { code, details })

test('joins with the token, keeps key and certificate, and the key is nobody else to read', async () => {
  const clock = new FakeClock()
  const folder = temporaryFolder()
  const signer = new FakeSigner(clock)
  const identity = await open(options(clock, folder, signer))
  assert.equal(identity.spiffeId, ID)
  assert.deepEqual(
    signer.calls.map(({ target, proof }) => [target, proof]),
    [['join:1', { token: 'token' }]],
  )
  assert.equal(statSync(join(folder, 'key.pem')).mode & 0o777, 0o600)
  assert.equal(readFileSync(join(folder, 'cert.pem'), 'utf8'), identity.keyPair.certificateChain)
  assert.ok(!identity.keyPair.certificateChain.includes(authority.bundle.trim()), 'the root is not sent along')
})

test('a restart takes the certificate on disk while it is valid, without asking anyone', async () => {
  const clock = new FakeClock()
  const folder = temporaryFolder()
  const first = await open(options(clock, folder, new FakeSigner(clock)))
  const signer = new FakeSigner(clock)
  const second = await open(options(clock, folder, signer, null))
  assert.deepEqual(second.keyPair, first.keyPair)
  assert.equal(signer.calls.length, 0)
  clock.advance(2 * HOUR)
  await assert.rejects(open(options(clock, folder, signer, null)), IdentityRefused)
})

test('renews at half its life, a tenth of it earlier at most, over the xDS port, and tells who asked', async () => {
  const clock = new FakeClock()
  const signer = new FakeSigner(clock)
  const identity = await open(options(clock, temporaryFolder(), signer))
  const before = identity.keyPair
  let changes = 0
  identity.onChange(() => changes++)
  clock.advance(HOUR * 0.9 - 1)
  assert.equal(signer.calls.length, 1)
  clock.advance(HOUR * 0.1 + 1)
  await until(() => changes === 1)
  assert.equal(signer.calls[1]?.target, 'xds:2')
  assert.deepEqual(signer.calls[1]?.proof, { keyPair: before })
  assert.notEqual(identity.keyPair.certificateChain, before.certificateChain)
  assert.equal(identity.keyPair.privateKey, before.privateKey)
})

test('a certificate that its authority has dated back is renewed at half of what it has to live, not at once', async () => {
  const clock = new FakeClock()
  const signer = new FakeSigner(clock)
  signer.datedBackMs = 120_000
  signer.lifeMs = 20_000
  const identity = await open(options(clock, temporaryFolder(), signer))
  const before = identity.keyPair
  clock.advance(8_999)
  assert.equal(signer.calls.length, 1)
  clock.advance(1_001)
  await until(() => identity.keyPair !== before)
  assert.equal(signer.calls.length, 2)
})

test('a machine that slept renews soon after it wakes, by the wall clock', async () => {
  const clock = new SleepingClock()
  const signer = new FakeSigner(clock)
  const identity = await open(options(clock, temporaryFolder(), signer))
  const before = identity.keyPair
  clock.sleptMs = HOUR
  clock.advance(60_000)
  await until(() => identity.keyPair !== before)
})

test('a renewal that fails is tried again, ever more slowly, and the certificate there is stays in use', async () => {
  const clock = new FakeClock()
  const signer = new FakeSigner(clock)
  const identity = await open(options(clock, temporaryFolder(), signer))
  const before = identity.keyPair
  signer.fail.push(rejection(status.UNAVAILABLE, 'down'), rejection(status.INTERNAL, 'broken'))
  clock.advance(HOUR)
  await until(() => signer.calls.length === 2 && clock.pendingTimers === 1)
  assert.equal(identity.keyPair, before)
  clock.advance(1_000)
  await until(() => signer.calls.length === 3 && clock.pendingTimers === 1)
  clock.advance(2_000)
  await until(() => identity.keyPair !== before)
})

test('a certificate that has expired already is refused, and asked for again ever more slowly', async () => {
  const clock = new FakeClock()
  const signer = new FakeSigner(clock)
  const identity = await open(options(clock, temporaryFolder(), signer))
  const before = identity.keyPair
  signer.datedBackMs = HOUR
  signer.lifeMs = -1_000
  clock.advance(HOUR)
  await until(() => signer.calls.length === 2 && clock.pendingTimers === 1)
  assert.equal(identity.keyPair, before)
  clock.advance(100)
  assert.equal(signer.calls.length, 2)
  await assert.rejects(open(options(clock, temporaryFolder(), signer)), /was given a certificate until/)
})

test('waits for a control plane that is down, and does not for one that says no', async () => {
  const clock = new FakeClock()
  const signer = new FakeSigner(clock)
  signer.fail.push(rejection(status.UNAVAILABLE, 'down'))
  const opening = open(options(clock, temporaryFolder(), signer))
  await until(() => clock.pendingTimers === 1)
  clock.advance(200)
  assert.equal((await opening).spiffeId, ID)
  signer.fail.push(rejection(status.UNAUTHENTICATED, 'the join token is unknown'))
  const refused = open(options(clock, temporaryFolder(), signer))
  await assert.rejects(refused, /cannot join at join:1: the join token is unknown/)
  await assert.rejects(open(options(clock, temporaryFolder(), signer, null)), /no join token/)
})

test('waiting ends when it is told to', async () => {
  const clock = new FakeClock()
  const signer = new FakeSigner(clock)
  signer.fail.push(rejection(status.UNAVAILABLE, 'down'))
  const abort = new AbortController()
  const opening = WorkloadIdentity.open(options(clock, temporaryFolder(), signer), abort.signal)
  await until(() => clock.pendingTimers === 1)
  abort.abort()
  await assert.rejects(opening, IdentityRefused)
  assert.equal(clock.pendingTimers, 0)
})

test('a certificate of a foreign root, or for somebody else, is refused', async () => {
  const clock = new FakeClock()
  const stranger = await TestAuthority.create()
  await assert.rejects(
    open(options(clock, temporaryFolder(), new FakeSigner(clock, stranger))),
    /not signed by the trust bundle/,
  )
  const other = 'spiffe://cluster.local/ns/default/sa/other'
  await assert.rejects(
    open(options(clock, temporaryFolder(), new FakeSigner(clock, authority, other))),
    /was made spiffe:.*other/,
  )
})

test('a new trust bundle is kept and told; a broken one is refused', async () => {
  const clock = new FakeClock()
  const folder = temporaryFolder()
  const identity = await open(options(clock, folder, new FakeSigner(clock)))
  const next = await TestAuthority.create()
  let changes = 0
  identity.onChange(() => changes++)
  identity.takeTrustBundle(authority.bundle + next.bundle)
  identity.takeTrustBundle(authority.bundle + next.bundle)
  assert.equal(changes, 1)
  assert.equal(readFileSync(join(folder, 'bundle.pem'), 'utf8'), identity.trustBundle)
  assert.throws(() => identity.takeTrustBundle('nothing'), /no certificate/)
  const restarted = await open(options(clock, folder, new FakeSigner(clock), null))
  assert.equal(restarted.trustBundle, identity.trustBundle)
})

test('a root that the authority announces is trusted from the next renewal on, beside the old ones', async () => {
  const clock = new FakeClock()
  const folder = temporaryFolder()
  const signer = new FakeSigner(clock)
  const identity = await open(options(clock, folder, signer))
  const next = await TestAuthority.create('CN=next root')
  signer.nextRoot = next.bundle
  clock.advance(HOUR)
  await until(() => identity.trustBundle !== authority.bundle)
  assert.equal(identity.trustBundle, authority.bundle + next.bundle)
  assert.equal(readFileSync(join(folder, 'bundle.pem'), 'utf8'), identity.trustBundle)
})

test('a certificate that has expired is replaced by a fresh token, for it proves nothing any more', async () => {
  const clock = new SleepingClock()
  const signer = new FakeSigner(clock)
  const identity = await open(options(clock, temporaryFolder(), signer))
  const before = identity.keyPair
  clock.sleptMs = 100 * HOUR
  clock.advance(60_000)
  await until(() => identity.keyPair !== before)
  assert.deepEqual([signer.calls[1]?.target, signer.calls[1]?.proof], ['join:1', { token: 'token' }])
})

test('a mesh made anew is joined anew: the old certificate is of no use there', async () => {
  const clock = new FakeClock()
  const folder = temporaryFolder()
  await open(options(clock, folder, new FakeSigner(clock)))
  const next = await TestAuthority.create()
  const signer = new FakeSigner(clock, next)
  await open({ ...options(clock, folder, signer), trustBundle: next.bundle })
  assert.equal(signer.calls.length, 1)
})

test('the trust domain is read from a root that names it', () => {
  assert.equal(trustDomainOf(authority.bundle), null)
  assert.equal(trustDomainOf('garbage'), null)
})

test('the call itself: TLS to istiod.istio-system.svc, the token as bearer', async () => {
  const names = [{ type: 'dns' as const, value: 'istiod.istio-system.svc' }]
  const pair = await authority.issue({ names })
  const key = { private_key: Buffer.from(pair.privateKey), cert_chain: Buffer.from(pair.certificateChain) }
  const server = new Server()
  server.addService(grpcServiceDefinition(IstioCertificateService), {
    CreateCertificate: (
      call: ServerUnaryCall<IstioCertificateRequest, IstioCertificateResponse>,
      reply: sendUnaryData<IstioCertificateResponse>,
    ) => {
      const token = String(call.metadata.get('authorization')[0])
      if (token === 'Bearer good')
        reply(null, create(IstioCertificateResponseSchema, { certChain: [call.request.csr] }))
      else reply({ code: status.UNAUTHENTICATED, details: 'no', metadata: new Metadata() })
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [key]), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  cleanups.push(() => server.forceShutdown())
  const deadline = new Date(systemClock.wallNow() + 60_000)
  const call = { target: `127.0.0.1:${port}`, trustBundle: authority.bundle, csr: 'csr', deadline }
  assert.deepEqual(await requestCertificate({ ...call, proof: { token: 'good' } }), ['csr'])
  await assert.rejects(requestCertificate({ ...call, proof: { token: 'bad' } }), { code: status.UNAUTHENTICATED })
  const stranger = await TestAuthority.create()
  const foreign = requestCertificate({ ...call, trustBundle: stranger.bundle, proof: { token: 'good' } })
  await assert.rejects(foreign, { code: status.UNAVAILABLE })
})
