// A transport around another that differs in what goes with a connection: Envoy's PassthroughSocket.
import type { Socket } from 'node:net'
import type { Network } from '../../transport/net/network.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import type { ServerIdentity, UpstreamTransport } from '../upstream-transport.ts'
import type { TlsMaterial } from './tls-context.ts'

/** Makes the transport that is wrapped, over a network of one's own. */
export type TransportOver = (network: Network) => UpstreamTransport

export abstract class PassthroughTransport implements UpstreamTransport {
  readonly name: UpstreamTransport['name']
  /** For connections that are no downstream's. */
  readonly #own: UpstreamTransport

  constructor(own: UpstreamTransport) {
    this.#own = own
    this.name = own.name
  }

  get secretNames(): readonly string[] {
    return this.#own.secretNames ?? []
  }

  get material(): TlsMaterial | undefined {
    return this.#own.material
  }

  connect(address: string, port: number, onReady: (failure: string | null) => void): Socket {
    return this.#own.connect(address, port, onReady)
  }

  abstract forDownstream(downstream: ConnectionInfo): UpstreamTransport

  forServer(identity: ServerIdentity): UpstreamTransport {
    return this.#own.forServer?.(identity) ?? this.#own
  }
}
