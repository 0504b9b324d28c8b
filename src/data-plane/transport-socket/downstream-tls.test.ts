// Who a filter chain lets in, by what its validation context says: as Envoy does.
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import type { JsonObject } from '@bufbuild/protobuf'
import { systemClock } from '../../base/clock.ts'
import { systemNetwork } from '../../transport/net/system-network.ts'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import type { KeyPair } from '../../transport/tls/secure-context.ts'
import { TransportSocketSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import { parse } from '../mesh-fixture.ts'
import { compileDownstreamTransport, type DownstreamTlsOutcome } from './downstream-tls.ts'
import { SecretStore } from './secret-store.ts'

const authority = await TestAuthority.create()
const server = await authority.issue({ names: [{ type: 'dns', value: 'server.test' }] })
const client = await authority.issue({ names: [{ type: 'dns', value: 'client.test' }] })

/** What becomes of a client with `certificate`, in the server's eyes. */
async function outcomeOf(
  t: TestContext,
  validation: JsonObject,
  certificate: KeyPair | null,
  more: ConnectionOptions = {},
): Promise<string> {
  const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'
  const tls_certificates = [
    {
      certificate_chain: { inline_string: server.certificateChain },
      private_key: { inline_string: server.privateKey },
    },
  ]
  const common_tls_context = { tls_certificates, validation_context: validation }
  const socket = parse(TransportSocketSchema, { name: 'tls', typed_config: { '@type': type, common_tls_context } })
  const check = new ResourceCheck('test')
  const tls = compileDownstreamTransport(socket, 't', new SecretStore(), check)
  assert.deepEqual(check.problems, [])
  const { promise, resolve } = Promise.withResolvers<DownstreamTlsOutcome>()
  const timing = { clock: systemClock, handshakeTimeoutMs: 0 }
  const listener = await systemNetwork.listen('127.0.0.1', 0, raw =>
    tls!.accept(raw, null, { serverName: '', applicationProtocols: [] }, timing, resolve),
  )
  t.after(() => listener.close())
  const shown = certificate && { cert: certificate.certificateChain, key: certificate.privateKey }
  const connection = connect({ host: '127.0.0.1', port: listener.port, rejectUnauthorized: false, ...shown, ...more })
  connection.on('error', () => {})
  const outcome = await promise
  connection.destroy()
  if (!connection.closed) await once(connection, 'close')
  return outcome.ok ? `in, as ${outcome.peer?.dnsSans[0] ?? 'nobody'}` : outcome.reason
}

test('a client may come without a certificate, unless there is a rule for what one says', async t => {
  const trusting = { trusted_ca: { inline_string: authority.bundle } }
  const named = (exact: string) => ({ match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact } }] })
  const der = new X509Certificate(client.certificateChain).raw
  const pinned = { verify_certificate_hash: [createHash('sha256').update(der).digest('hex')] }
  assert.equal(await outcomeOf(t, trusting, null), 'in, as nobody')
  assert.equal(await outcomeOf(t, trusting, client), 'in, as client.test')
  assert.equal(await outcomeOf(t, { ...trusting, ...named('client.test') }, client), 'in, as client.test')
  assert.equal(await outcomeOf(t, { ...trusting, ...named('client.test') }, null), 'no-certificate')
  assert.equal(await outcomeOf(t, { ...trusting, ...named('other.test') }, client), 'san')
  assert.equal(await outcomeOf(t, pinned, client), 'in, as client.test')
  assert.equal(await outcomeOf(t, pinned, null), 'no-certificate')
})

test('of TLS 1.2 the suites are taken that Envoy takes where none are named', async t => {
  const outcomeWith = (ciphers: string): Promise<string> => outcomeOf(t, {}, null, { ciphers, maxVersion: 'TLSv1.2' })
  assert.equal(await outcomeWith('ECDHE-ECDSA-AES128-GCM-SHA256'), 'in, as nobody')
  assert.equal(await outcomeWith('ECDHE-ECDSA-AES256-SHA'), 'handshake')
  assert.equal(await outcomeOf(t, {}, null, { minVersion: 'TLSv1.3' }), 'in, as nobody')
})
