// A server of delta ADS, in plaintext on a real port, that says what a test has it say.
import { create } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { AggregatedDiscoveryService } from '../../../xds/generated/envoy/service/discovery/v3/ads_pb.ts'
import {
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type Resource,
  ResourceSchema,
} from '../../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { grpcServiceDefinition } from '../../../xds/grpc-service-definition.ts'
import { type ResourceType, TYPE_URL } from '../../../xds/type-url.ts'

export type AdsCall = ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>

/** Takes each request in turn, and answers what the test says. */
export class ScriptedAds {
  readonly #server = new Server()
  readonly #requests: { readonly call: AdsCall; readonly request: DeltaDiscoveryRequest }[] = []
  #waiting: (() => void) | null = null
  #nonce = 0
  port = 0
  calls = 0

  async listen(port = 0): Promise<void> {
    this.#server.addService(grpcServiceDefinition(AggregatedDiscoveryService), {
      DeltaAggregatedResources: (call: AdsCall) => {
        this.calls++
        call.on('error', () => {})
        call.on('data', (request: DeltaDiscoveryRequest) => {
          this.#requests.push({ call, request })
          this.#waiting?.()
        })
        call.on('end', () => call.end())
      },
    })
    this.port = await new Promise<number>((resolve, reject) =>
      this.#server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
  }

  /** The next request of a type, whatever came between. */
  async next(type: ResourceType): Promise<{ readonly call: AdsCall; readonly request: DeltaDiscoveryRequest }> {
    for (;;) {
      const index = this.#requests.findIndex(({ request }) => request.typeUrl === TYPE_URL[type])
      if (index >= 0) return this.#requests.splice(index, 1)[0]!
      await new Promise<void>(resolve => {
        this.#waiting = resolve
      })
    }
  }

  /** What was said to the response of that nonce: null for an ACK. */
  async answer(type: ResourceType, nonce: string): Promise<string | null> {
    for (;;) {
      const { request } = await this.next(type)
      if (request.responseNonce === nonce) return request.errorDetail?.message ?? null
    }
  }

  send(call: AdsCall, type: ResourceType, resources: readonly Resource[], removed: readonly string[] = []): string {
    const nonce = `n${++this.#nonce}`
    const fields = { typeUrl: TYPE_URL[type], nonce, resources: [...resources], removedResources: [...removed] }
    call.write(create(DeltaDiscoveryResponseSchema, fields))
    return nonce
  }

  close(): void {
    this.#server.forceShutdown()
  }
}

export function packResource(name: string, version: string, typeUrl: string, value: Uint8Array): Resource {
  return create(ResourceSchema, { name, version, resource: create(AnySchema, { typeUrl, value }) })
}
