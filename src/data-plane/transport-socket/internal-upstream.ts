// envoy.transport_sockets.internal_upstream: a connection to an internal listener takes along whose bytes it carries. In
// Envoy that is the filter state shared with the upstream; Weft has none, and passes on what it knows of the downstream:
// its addresses and its identity.
import type { Socket } from 'node:net'
import type { Network } from '../../transport/net/network.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import { InternalSocket } from '../internal-listener/internal-socket.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { PassthroughTransport, type TransportOver } from './passthrough-transport.ts'

export class InternalUpstream extends PassthroughTransport {
  readonly #network: Network
  readonly #over: TransportOver

  constructor(network: Network, over: TransportOver) {
    super(over(network))
    this.#network = network
    this.#over = over
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
