// One resource type of the incremental protocol: what is subscribed, what is held (xds_protocol, "Incremental xDS").
import { create } from '@bufbuild/protobuf'
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type Resource,
} from '../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { type ResourceType, TYPE_URL } from '../../xds/type-url.ts'

export interface HeldResource {
  readonly version: string
  /** Encoded, as it came: for the last good config. */
  readonly bytes: Uint8Array
  /** It has a time to live: nothing to start with another time. */
  readonly expires: boolean
}

export class TypeState {
  readonly type: ResourceType
  readonly wildcard: boolean
  /** What was accepted. */
  readonly held = new Map<string, HeldResource>()
  /** The answer to the last response has gone out: the next one follows it. */
  answered: Promise<unknown> = Promise.resolve()
  #subscribed = new Set<string>()
  /** Subscribed on the stream that is open. */
  #announced = false

  constructor(type: ResourceType, wildcard: boolean) {
    this.type = type
    this.wildcard = wildcard
  }

  /** False for what may still be on its way by a name that was let go of. */
  isSubscribed(name: string): boolean {
    return this.wildcard || this.#subscribed.has(name)
  }

  /** It says no more than that what is held lives on (xds_protocol, "TTL"). */
  isHeartbeat({ name, version, resource }: Resource): boolean {
    return resource === undefined && this.held.get(name)?.version === version
  }

  /** Names that nobody wants any more, and that there was no stream to say so on. */
  letGo(wanted: readonly string[]): readonly string[] {
    if (this.wildcard) return []
    const next = new Set(wanted)
    const gone = [...new Set([...this.#subscribed, ...this.held.keys()])].filter(name => !next.has(name))
    for (const name of gone) this.held.delete(name)
    return gone
  }

  /** The first request of a stream; null when nothing of this type is wanted yet. */
  firstRequest(wanted: readonly string[]): DeltaDiscoveryRequest | null {
    this.#subscribed = new Set(wanted)
    this.#announced = this.wildcard || wanted.length > 0
    if (!this.#announced) return null
    const initialResourceVersions: Record<string, string> = {}
    for (const [name, { version }] of this.held) initialResourceVersions[name] = version
    const resourceNamesSubscribe = this.wildcard ? ['*'] : [...wanted]
    return this.#request({ resourceNamesSubscribe, initialResourceVersions })
  }

  /** What to say when the wish has changed; null when it has not. Names let go of are no longer held. */
  resubscribe(wanted: readonly string[]): DeltaDiscoveryRequest | null {
    if (this.wildcard) return null
    if (!this.#announced) return this.firstRequest(wanted)
    const next = new Set(wanted)
    const resourceNamesSubscribe = wanted.filter(name => !this.#subscribed.has(name))
    const resourceNamesUnsubscribe = [...this.#subscribed].filter(name => !next.has(name))
    this.#subscribed = next
    for (const name of resourceNamesUnsubscribe) this.held.delete(name)
    if (resourceNamesSubscribe.length + resourceNamesUnsubscribe.length === 0) return null
    return this.#request({ resourceNamesSubscribe, resourceNamesUnsubscribe })
  }

  /** ACK; with `error` NACK. */
  answer(nonce: string, error: string | null): DeltaDiscoveryRequest {
    return this.#request({
      responseNonce: nonce,
      // google.rpc.Code INVALID_ARGUMENT, as Envoy answers.
      ...(error === null
        ? {}
        : { errorDetail: { $typeName: 'google.rpc.Status', code: 3, message: error, details: [] } }),
    })
  }

  hold(resource: Resource, bytes: Uint8Array): void {
    this.held.set(resource.name, { version: resource.version, bytes, expires: resource.ttl !== undefined })
  }

  #request(fields: Partial<Omit<DeltaDiscoveryRequest, '$typeName'>>): DeltaDiscoveryRequest {
    return Object.assign(create(DeltaDiscoveryRequestSchema, { typeUrl: TYPE_URL[this.type] }), fields)
  }
}
