// SDS for the Envoy beside this agent: its key pair and the mesh's trust bundle, on a unix socket of its owner.
import { create, toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { certificatesOf, revocationsOf } from '../../transport/tls/pem-blocks.ts'
import { SecretSchema } from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import {
  type DiscoveryRequest,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { SecretDiscoveryService } from '../../xds/generated/envoy/service/secret/v3/sds_pb.ts'
import { grpcServiceDefinition } from '../../xds/grpc-service-definition.ts'
import { TYPE_URL } from '../../xds/type-url.ts'
import type { SecretStore } from '../transport-socket/secret-store.ts'

type Call = ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>

export class SdsServer {
  readonly #secrets: SecretStore
  readonly #onNames: (names: readonly string[]) => void
  readonly #server = new Server()
  readonly #streams = new Set<SdsStream>()

  /** `onNames` is told of all that is subscribed. */
  constructor(secrets: SecretStore, onNames: (names: readonly string[]) => void = () => {}) {
    this.#secrets = secrets
    this.#onNames = onNames
    secrets.onChange(() => {
      for (const stream of this.#streams) stream.push()
    })
    this.#server.addService(grpcServiceDefinition(SecretDiscoveryService), {
      StreamSecrets: (call: Call) => this.#serve(call),
    })
  }

  /** `unix:PATH` or `127.0.0.1:PORT`; resolves to the port bound, 0 for a socket. Rejects when it cannot be bound. */
  listen(target: string): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.bindAsync(target, ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(target.startsWith('unix:') ? 0 : port),
      ),
    )
  }

  close(): void {
    this.#server.forceShutdown()
  }

  #serve(call: Call): void {
    const stream = new SdsStream(call, this.#secrets)
    this.#streams.add(stream)
    const forget = (): void => void this.#streams.delete(stream)
    call.on('data', (request: DiscoveryRequest) => {
      stream.onRequest(request)
      this.#onNames([...this.#streams].flatMap(each => each.names))
    })
    call.on('error', forget)
    call.on('cancelled', forget)
    call.on('end', () => {
      forget()
      call.end()
    })
  }
}

/** One subscription, state of the world: Envoy opens a stream for each secret it names. */
class SdsStream {
  readonly #call: Call
  readonly #secrets: SecretStore
  #names: readonly string[] = []
  #sent = ''
  #nonce = 0

  constructor(call: Call, secrets: SecretStore) {
    this.#call = call
    this.#secrets = secrets
  }

  get names(): readonly string[] {
    return this.#names
  }

  onRequest(request: DiscoveryRequest): void {
    this.#names = request.resourceNames
    this.push()
  }

  /** Sends what is subscribed, unless it was sent already: an ACK is a request too. */
  push(): void {
    const resources = this.#names.flatMap(name => {
      const value = encodeSecret(name, this.#secrets)
      return value ? [create(AnySchema, { typeUrl: TYPE_URL.secret, value })] : []
    })
    const content = resources.map(({ value }) => Buffer.from(value).toString('base64')).join(' ')
    if (resources.length === 0 || content === this.#sent) return
    this.#sent = content
    const version = String(++this.#nonce)
    const fields = { versionInfo: version, nonce: version, typeUrl: TYPE_URL.secret, resources }
    this.#call.write(create(DiscoveryResponseSchema, fields))
  }
}

function encodeSecret(name: string, secrets: SecretStore): Uint8Array | null {
  const keyPair = secrets.keyPair(name)
  const trustedCa = secrets.trustedCa(name)
  const inline = (text: string) => ({ specifier: { case: 'inlineBytes' as const, value: Buffer.from(text) } })
  if (keyPair) {
    const value = { certificateChain: inline(keyPair.certificateChain), privateKey: inline(keyPair.privateKey) }
    return toBinary(SecretSchema, create(SecretSchema, { name, type: { case: 'tlsCertificate', value } }))
  }
  if (trustedCa === undefined) return null
  const lists = revocationsOf(trustedCa).join('')
  const value = {
    trustedCa: inline(certificatesOf(trustedCa).join('')),
    ...(lists === '' ? {} : { crl: inline(lists) }),
  }
  return toBinary(SecretSchema, create(SecretSchema, { name, type: { case: 'validationContext', value } }))
}
