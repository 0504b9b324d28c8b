// Which transport socket a cluster uses towards an endpoint: the first match by the endpoint's metadata, as Envoy's
// transport_socket_matches; else the cluster's own.
import type { JsonObject } from '@bufbuild/protobuf'
import type { TlsMaterial } from '../transport-socket/tls-context.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'

export interface TransportMatch {
  readonly match: Readonly<JsonObject>
  readonly transport: UpstreamTransport
}

export class TransportMatches {
  readonly #matches: readonly TransportMatch[]
  readonly #fallback: UpstreamTransport

  constructor(matches: readonly TransportMatch[], fallback: UpstreamTransport) {
    this.#matches = matches
    this.#fallback = fallback
  }

  /** Of any of them. */
  get secretNames(): readonly string[] {
    return this.#all().flatMap(({ secretNames }) => secretNames ?? [])
  }

  get materials(): readonly TlsMaterial[] {
    return this.#all().flatMap(({ material }) => material ?? [])
  }

  #all(): readonly UpstreamTransport[] {
    return [...this.#matches.map(({ transport }) => transport), this.#fallback]
  }

  /** An empty match takes every endpoint. */
  choose(metadata: Readonly<JsonObject>): UpstreamTransport {
    for (const { match, transport } of this.#matches) {
      if (Object.keys(match).every(key => metadata[key] === match[key])) return transport
    }
    return this.#fallback
  }
}
