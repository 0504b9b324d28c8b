// SDS over a unix socket, as the Envoy beside an agent uses it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { create, fromBinary } from '@bufbuild/protobuf'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { TestAuthority } from '../../transport/tls/certificate-fixture.ts'
import type { DataSource } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { SecretSchema } from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import {
  DiscoveryRequestSchema,
  type DiscoveryResponse,
} from '../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { SecretDiscoveryService } from '../../xds/generated/envoy/service/secret/v3/sds_pb.ts'
import { grpcServiceDefinition } from '../../xds/grpc-service-definition.ts'
import { SecretStore } from '../transport-socket/secret-store.ts'
import { SdsServer } from './sds-server.ts'

// Not where temporary files go: a socket's path is short.
const folder = mkdtempSync('/tmp/weft-sds-')
const secrets = new SecretStore()
const server = new SdsServer(secrets)
const target = `unix:${join(folder, 's')}`
await server.listen(target)
const client = new Client(target, credentials.createInsecure())
after(() => {
  client.close()
  server.close()
  rmSync(folder, { recursive: true })
})

test('a secret is sent when it is there, once, and again when it changes', async () => {
  const authority = await TestAuthority.create()
  const { path, requestSerialize, responseDeserialize } =
    grpcServiceDefinition(SecretDiscoveryService)['StreamSecrets']!
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata())
  call.on('error', () => {})
  const next = (): Promise<DiscoveryResponse> =>
    new Promise(resolve => call.once('data', response => resolve(response as DiscoveryResponse)))
  const certificateOf = ({ resources }: DiscoveryResponse): string => {
    const { type } = fromBinary(SecretSchema, resources[0]!.value)
    const chain = type.case === 'tlsCertificate' ? type.value.certificateChain?.specifier : undefined
    return chain?.case === 'inlineBytes' ? Buffer.from(chain.value).toString() : ''
  }
  const ask = (versionInfo: string): void =>
    void call.write(create(DiscoveryRequestSchema, { resourceNames: ['default'], versionInfo }))
  ask('')
  const first = await authority.issueSpiffe('spiffe://cluster.local/ns/default/sa/a')
  let coming = next()
  secrets.setKeyPair('default', first)
  const response = await coming
  assert.equal(certificateOf(response), first.certificateChain)
  // The ACK brings nothing by itself: the next message is the next certificate.
  coming = next()
  ask(response.versionInfo)
  const second = await authority.issueSpiffe('spiffe://cluster.local/ns/default/sa/a')
  secrets.setTrustedCa('ROOTCA', authority.bundle)
  secrets.setKeyPair('default', second)
  assert.equal(certificateOf(await coming), second.certificateChain)
  call.cancel()
})

test('lists of what has been revoked go in a field of their own', async () => {
  const authority = await TestAuthority.create()
  const revoked = await authority.revoke(await authority.issueSpiffe('spiffe://cluster.local/ns/default/sa/a'))
  secrets.setTrustedCa('file-root:ca.crt~ca.crl', `${authority.bundle}\n${revoked}`)
  const { path, requestSerialize, responseDeserialize } =
    grpcServiceDefinition(SecretDiscoveryService)['StreamSecrets']!
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata())
  call.on('error', () => {})
  const coming = new Promise<DiscoveryResponse>(resolve => call.once('data', one => resolve(one as DiscoveryResponse)))
  call.write(create(DiscoveryRequestSchema, { resourceNames: ['file-root:ca.crt~ca.crl'] }))
  const { type } = fromBinary(SecretSchema, (await coming).resources[0]!.value)
  assert.ok(type.case === 'validationContext')
  const text = ({ specifier }: DataSource): string =>
    specifier.case === 'inlineBytes' ? Buffer.from(specifier.value).toString().trim() : ''
  assert.equal(text(type.value.trustedCa!), authority.bundle.trim())
  assert.equal(text(type.value.crl!), revoked.trim())
  call.cancel()
})
