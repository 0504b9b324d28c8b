// envoy.transport_sockets.internal_upstream: a connection to an internal listener takes along whose bytes it carries. In
// Envoy that is the filter state shared with the upstream; Weft has none, and passes on what it knows of the downstream:
// its addresses and its identity.
import type { Socket } from 'node:net'
import type { Network } from '../../transport/net/network.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { InternalSocket } from '../internal-listener/internal-socket.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { TransportOver } from './upstream-proxy-protocol.ts'

export class InternalUpstream implements UpstreamTransport {
  readonly name: UpstreamTransport['name']
  readonly #network: Network
  readonly #over: TransportOver
  /** For connections that are no downstream's. */
  readonly #own: UpstreamTransport

  constructor(network: Network, over: TransportOver) {
    this.#network = network
    this.#over = over
    this.#own = over(network)
    this.name = this.#own.name
  }

  get secretNames(): readonly string[] {
    return this.#own.secretNames ?? []
  }

  connect(address: string, port: number, onReady: (failure: string | null) => void): Socket {
    return this.#own.connect(address, port, onReady)
  }

  forDownstream(downstream: ConnectionInfo): UpstreamTransport {
    const connect = (address: string, port: number): Socket => {
      const socket = this.#network.connect(address, port)
      if (socket instanceof InternalSocket) socket.carried = downstream
      return socket
    }
    return this.#over({ ...this.#network, connect })
  }
}
