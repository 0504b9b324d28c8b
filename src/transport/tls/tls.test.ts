// Server and client against one another on real sockets.
import assert from 'node:assert/strict'
import { createHash, type Hash, X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import {
  type ConnectionOptions,
  connect,
  getCACertificates,
  type SecureVersion,
  setDefaultCACertificates,
} from 'node:tls'
import { FakeClock, systemClock } from '../../base/clock.ts'
import { systemNetwork } from '../net/system-network.ts'
import { TestAuthority } from './certificate-fixture.ts'
import type { SanMatcher } from './peer-verification.ts'
import { buildSecureContext, type KeyPair, sharedSecureContext } from './secure-context.ts'
import { readSubjectAltNames } from './subject-alt-names.ts'
import { connectTls } from './tls-client.ts'
import type { TlsParameters } from './tls-parameters.ts'
import { acceptTls, selectApplicationProtocol, type TlsServerOptions, type TlsServerOutcome } from './tls-server.ts'

const REVIEWS = 'spiffe://cluster.local/ns/default/sa/reviews'
const PRODUCTPAGE = 'spiffe://cluster.local/ns/default/sa/productpage'
const authority = await TestAuthority.create()
const stranger = await TestAuthority.create()
const server = await authority.issueSpiffe(REVIEWS)
const client = await authority.issue({
  names: [{ type: 'url', value: PRODUCTPAGE }],
  subject: 'O=weft, CN=productpage',
})
const parameters: TlsParameters = {
  minVersion: 'TLSv1.3' as SecureVersion,
  maxVersion: 'TLSv1.3',
  cipherSuites: [],
  ecdhCurves: [],
  signatureAlgorithms: [],
}
const exactly =
  (id: string): SanMatcher =>
  names =>
    names.uris.includes(id)
const context = (keyPair: KeyPair | null, trustedCa = authority.bundle) =>
  buildSecureContext({ parameters, keyPairs: keyPair ? [keyPair] : [], trustedCa })

async function shake(
  overrides: Partial<TlsServerOptions>,
  dial: (raw: Socket, done: (failure: string | null) => void) => Socket,
): Promise<{ outcome: TlsServerOutcome; failure: string | null; ends: () => Promise<void>; socket: Socket }> {
  const accepted = Promise.withResolvers<TlsServerOutcome>()
  const listener = await systemNetwork.listen('127.0.0.1', 0, socket => {
    const peer = { certificateRequired: true, verifyChain: true, sans: [], pins: null }
    const options = { context: context(server), applicationProtocol: null, peer, clock: systemClock, ...overrides }
    // Bytes read ahead of the handshake go back in.
    socket.once('data', (bytes: Buffer) => {
      socket.pause()
      acceptTls(socket, bytes, { handshakeTimeoutMs: 5000, ...options }, accepted.resolve)
    })
  })
  const dialled = Promise.withResolvers<string | null>()
  const socket = dial(systemNetwork.connect('127.0.0.1', listener.port), dialled.resolve)
  const [outcome, failure] = await Promise.all([accepted.promise, dialled.promise])
  const ends = async (): Promise<void> => {
    socket.destroy()
    if (outcome.ok) outcome.socket.destroy()
    await listener.close()
  }
  return { outcome, failure, ends, socket }
}

const dialAs =
  (keyPair: KeyPair | null, sans: readonly SanMatcher[] = [exactly(REVIEWS)], protocols: readonly string[] = []) =>
  (raw: Socket, done: (failure: string | null) => void): Socket =>
    connectTls(
      raw,
      {
        context: context(keyPair),
        serverName: 'reviews',
        applicationProtocols: protocols,
        peer: { certificateRequired: true, verifyChain: true, sans, pins: null },
      },
      done,
    )

test('mutual TLS 1.3: both sides know each other, and bytes flow', async () => {
  const { outcome, failure, ends, socket } = await shake(
    { applicationProtocol: 'istio' },
    dialAs(client, [exactly(REVIEWS)], ['istio']),
  )
  assert.equal(failure, null)
  assert.ok(outcome.ok)
  assert.equal(outcome.socket.getProtocol(), 'TLSv1.3')
  assert.equal(outcome.alpn, 'istio')
  assert.equal(outcome.peer?.uriSan, PRODUCTPAGE)
  assert.equal(outcome.peer?.subject, 'CN=productpage,O=weft')
  assert.match(outcome.peer?.sha256 ?? '', /^[0-9a-f]{64}$/)
  const received = new Promise(resolve => outcome.socket.once('data', resolve))
  socket.write('ping')
  assert.equal(String(await received), 'ping')
  await ends()
})

test('the server refuses no certificate, a foreign one, and one whose name is not wanted', async () => {
  const none = await shake({}, dialAs(null))
  assert.equal(none.outcome.ok === false && none.outcome.reason, 'no-certificate')
  await none.ends()
  const foreign = await shake({}, dialAs(await stranger.issueSpiffe(PRODUCTPAGE)))
  assert.equal(foreign.outcome.ok === false && foreign.outcome.reason, 'chain')
  await foreign.ends()
  const sans = [exactly('spiffe://cluster.local/ns/x/sa/y')]
  const peer = { certificateRequired: true, verifyChain: true, sans, pins: null }
  const other = await shake({ peer }, dialAs(client))
  assert.equal(other.outcome.ok === false && other.outcome.reason, 'san')
  await other.ends()
})

test('a pinned certificate is known by its hash or that of its key, and every other refused', async () => {
  const { raw, publicKey } = new X509Certificate(client.certificateChain)
  const sha256 = (bytes: Buffer): Hash => createHash('sha256').update(bytes)
  const certificate = sha256(raw).digest('hex')
  const key = sha256(publicKey.export({ type: 'spki', format: 'der' })).digest('base64')
  const verdict = async (certificates: readonly string[], publicKeys: readonly string[]): Promise<string> => {
    const pins = { certificates: new Set(certificates), publicKeys: new Set(publicKeys) }
    const peer = { certificateRequired: true, verifyChain: true, sans: [], pins }
    const { outcome, ends } = await shake({ peer }, dialAs(client))
    await ends()
    return outcome.ok ? 'ok' : outcome.reason
  }
  const [otherCertificate, otherKey] = [sha256(Buffer.from('')).digest('hex'), sha256(raw).digest('base64')]
  assert.equal(await verdict([certificate], []), 'ok')
  assert.equal(await verdict([], [key]), 'ok')
  assert.equal(await verdict([otherCertificate], [key]), 'ok')
  assert.equal(await verdict([otherCertificate], []), 'pin')
  assert.equal(await verdict([], [otherKey]), 'pin')
})

test('the public authorities that Node knows are never trusted, whatever stands in place of an authority', async t => {
  const publicRoots = getCACertificates('default')
  setDefaultCACertificates([stranger.bundle])
  t.after(() => setDefaultCACertificates(publicRoots))
  const cut = authority.bundle + stranger.bundle.slice(0, 80)
  const broken = `${authority.bundle}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`
  for (const trustedCa of ['', '\n', 'junk', server.privateKey, cut, broken])
    assert.throws(() => context(server, trustedCa), /certificate/i, trustedCa)
  const untrusting = buildSecureContext({ parameters, keyPairs: [server], trustedCa: null })
  const { outcome, ends } = await shake({ context: untrusting }, dialAs(await stranger.issueSpiffe(PRODUCTPAGE)))
  assert.equal(outcome.ok === false && outcome.reason, 'chain')
  await ends()
})

test('one context serves all who have the same material', async () => {
  const material = { parameters, keyPairs: [server], trustedCa: authority.bundle }
  assert.equal(sharedSecureContext(material), sharedSecureContext({ ...material }))
  assert.notEqual(sharedSecureContext(material), sharedSecureContext({ ...material, trustedCa: stranger.bundle }))
  const shared = sharedSecureContext(material)
  const { outcome, failure, ends } = await shake({ context: shared, applicationProtocol: 'istio' }, (raw, done) => {
    const peer = { certificateRequired: true, verifyChain: true, sans: [], pins: null }
    return connectTls(raw, { context: shared, serverName: '', applicationProtocols: ['istio'], peer }, done)
  })
  assert.equal(failure, null)
  assert.equal(outcome.ok && outcome.alpn, 'istio')
  await ends()
})

test('an expired certificate is refused', async () => {
  const expired = await authority.issue({
    names: [{ type: 'url', value: PRODUCTPAGE }],
    notBefore: Date.now() - 7_200_000,
    notAfter: Date.now() - 3_600_000,
  })
  const { outcome, ends } = await shake({}, dialAs(expired))
  assert.deepEqual(outcome, { ok: false, reason: 'chain', detail: 'CERT_HAS_EXPIRED' })
  await ends()
})

test('the client refuses a server whose name is not wanted, or whose authority is not trusted', async () => {
  const { failure, ends } = await shake({}, dialAs(client, [exactly(PRODUCTPAGE)]))
  assert.match(
    failure ?? '',
    /^TLS_error:\|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_SAN_list/,
  )
  await ends()
  const foreign = await stranger.issueSpiffe(REVIEWS)
  const second = await shake({ context: context(foreign) }, dialAs(client))
  assert.match(second.failure ?? '', /CERTIFICATE_VERIFY_FAILED/)
  await second.ends()
})

test('a session is not resumed: each connection is verified by itself', async () => {
  const ticket: { session?: Buffer } = {}
  const dial = (raw: Socket, done: (failure: string | null) => void): Socket => {
    const options: ConnectionOptions = { socket: raw, secureContext: context(client), rejectUnauthorized: false }
    if (ticket.session) options.session = ticket.session
    const socket = connect(options)
    socket.on('session', session => {
      ticket.session = session
    })
    socket.on('error', () => {})
    socket.once('secureConnect', () => done(String(socket.isSessionReused())))
    return socket
  }
  const first = await shake({}, dial)
  assert.ok(first.outcome.ok)
  const seen = new Promise(resolve => first.socket.once('data', resolve))
  first.outcome.socket.write('x')
  await seen
  await first.ends()
  const second = await shake({}, dial)
  assert.equal(second.failure, 'false')
  assert.equal(second.outcome.ok && second.outcome.peer?.uriSan, PRODUCTPAGE)
  await second.ends()
})

test('a client that never finishes its handshake is closed after the timeout', async () => {
  const clock = new FakeClock()
  const started = Promise.withResolvers<void>()
  const outcome = Promise.withResolvers<TlsServerOutcome>()
  const listener = await systemNetwork.listen('127.0.0.1', 0, socket => {
    const options = { context: context(server), applicationProtocol: null, peer: null, clock, handshakeTimeoutMs: 1000 }
    acceptTls(socket, null, options, outcome.resolve)
    started.resolve()
  })
  const silent = systemNetwork.connect('127.0.0.1', listener.port)
  const closed = new Promise(resolve => silent.once('close', resolve))
  silent.on('error', () => {}).resume()
  await started.promise
  clock.advance(1000)
  assert.deepEqual(await outcome.promise, { ok: false, reason: 'timeout', detail: 'handshake timeout' })
  await closed
  assert.equal(clock.pendingTimers, 0)
  await listener.close()
})

test('without a timeout a handshake may take any time', async () => {
  const clock = new FakeClock()
  const started = Promise.withResolvers<void>()
  const outcome = Promise.withResolvers<TlsServerOutcome>()
  const listener = await systemNetwork.listen('127.0.0.1', 0, socket => {
    const options = { context: context(server), applicationProtocol: null, peer: null, clock, handshakeTimeoutMs: 0 }
    acceptTls(socket, null, options, outcome.resolve)
    started.resolve()
  })
  const raw = systemNetwork.connect('127.0.0.1', listener.port)
  await started.promise
  clock.advance(60_000)
  const secure = dialAs(client)(raw, () => {})
  const done = await outcome.promise
  assert.ok(done.ok)
  secure.destroy()
  done.socket.destroy()
  await listener.close()
})

test('a server name is sent as it is, an address too', async () => {
  for (const serverName of ['127.0.0.1', '::1', 'Reviews']) {
    const peer = { certificateRequired: true, verifyChain: true, sans: [], pins: null }
    const { outcome, ends } = await shake({}, (raw, done) =>
      connectTls(raw, { context: context(client), serverName, applicationProtocols: [], peer }, done),
    )
    assert.ok(outcome.ok)
    assert.equal((outcome.socket as { servername?: unknown }).servername, serverName)
    await ends()
  }
})

test('a refused connection and plaintext in place of TLS have their reasons', async () => {
  const listener = await systemNetwork.listen('127.0.0.1', 0, socket =>
    socket.on('error', () => {}).end('HTTP/1.1 400\r\n\r\n'),
  )
  const plain = new Promise(resolve => dialAs(client)(systemNetwork.connect('127.0.0.1', listener.port), resolve))
  assert.equal(await plain, 'TLS_error:|SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end')
  await listener.close()
  const refused = new Promise(resolve => dialAs(client)(systemNetwork.connect('127.0.0.1', listener.port), resolve))
  assert.equal(await refused, 'delayed_connect_error:_Connection_refused')
})

test('an alert of the server is told in the words and with the number that Envoy has for it', async () => {
  const listener = await systemNetwork.listen('127.0.0.1', 0, socket =>
    // no_application_protocol (RFC 7301 3.2).
    socket.on('error', () => {}).end(Buffer.from([0x15, 3, 3, 0, 2, 2, 120])),
  )
  const alerted = new Promise(resolve => dialAs(client)(systemNetwork.connect('127.0.0.1', listener.port), resolve))
  const words = 'SSL_routines:OPENSSL_internal:TLSV1_ALERT_NO_APPLICATION_PROTOCOL'
  assert.equal(await alerted, `TLS_error:|268436576:${words}:TLS_error_end`)
  await listener.close()
})

test('the protocol chosen is the first of the server that the client offers', () => {
  assert.equal(selectApplicationProtocol(['h2', 'http/1.1'], ['http/1.1', 'h2']), 'h2')
  assert.equal(selectApplicationProtocol(['istio'], ['h2']), null)
})

test('names are read from DER, and damaged DER yields none', () => {
  const der = Buffer.from(client.certificateChain.replace(/-----.*-----|\s/g, ''), 'base64')
  assert.deepEqual(readSubjectAltNames(der).uris, [PRODUCTPAGE])
  for (let length = 0; length < der.length; length += 7) readSubjectAltNames(der.subarray(0, length))
  assert.deepEqual(readSubjectAltNames(Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff])).uris, [])
})
