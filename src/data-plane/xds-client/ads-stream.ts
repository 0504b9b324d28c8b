// One stream of delta ADS over mTLS. Reads one response at a time: the next is taken when the last was applied.

import { type Client, type ClientDuplexStream, Metadata, type StatusObject } from '@grpc/grpc-js'
import { AggregatedDiscoveryService } from '../../xds/generated/envoy/service/discovery/v3/ads_pb.ts'
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { grpcServiceDefinition } from '../../xds/grpc-service-definition.ts'
import { type ControlPlaneCredentials, openControlPlaneChannel } from './control-plane-channel.ts'

/** A response larger than this ends the stream; 10 000 services with 10 endpoints each make near 15 MB. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024

export interface AdsStreamEvents {
  /** The next response is read when the promise resolves. */
  onResponse(response: DeltaDiscoveryResponse, stream: AdsStream): Promise<void>
  /** Once. */
  onEnd(reason: string): void
}

export class AdsStream {
  /** Others may call on the same connection, for as long as the stream lives. */
  readonly client: Client
  readonly #call: ClientDuplexStream<unknown, unknown>
  #ended = false

  /** Null credentials: plaintext, for tests. */
  constructor(target: string, identity: ControlPlaneCredentials | null, events: AdsStreamEvents) {
    const { path, requestSerialize, responseDeserialize } =
      grpcServiceDefinition(AggregatedDiscoveryService)['DeltaAggregatedResources']!
    this.client = openControlPlaneChannel(target, identity, MAX_RESPONSE_BYTES)
    this.#call = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata())
    this.#call.on('data', (response: DeltaDiscoveryResponse) => {
      // Buffered while the last one was applied, and overtaken by the stream's end: the next stream says it anew.
      if (this.#ended) return
      this.#call.pause()
      void events.onResponse(response, this).then(() => this.#call.resume())
    })
    this.#call.on('error', () => {})
    this.#call.on('status', (status: StatusObject) => this.#end(() => events.onEnd(status.details || 'stream ended')))
  }

  send(request: DeltaDiscoveryRequest): void {
    if (!this.#ended) this.#call.write(request)
  }

  close(): void {
    this.#end(() => {})
    this.#call.cancel()
  }

  #end(report: () => void): void {
    if (this.#ended) return
    this.#ended = true
    this.client.close()
    report()
  }
}
