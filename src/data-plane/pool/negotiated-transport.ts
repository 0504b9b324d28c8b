// Connections of one protocol, by ALPN, to an endpoint that could speak another.
import type { Socket } from 'node:net'
import type { UpstreamTransport } from '../upstream-transport.ts'

/** In the place of a failure. */
export const PROTOCOL_CHANGED = 'upstream_protocol_changed'

export type NegotiatedProtocol = 'http1' | 'http2'

/** Who chose the protocol. */
export interface NegotiationOwner {
  /** A new connection has agreed on another: those that wait must go elsewhere. It is closed after this. */
  onOtherProtocol(transport: NegotiatedTransport): void
}

/** What an endpoint without ALPN speaks, or one that names anything else, is HTTP/1.1 (Envoy). */
export function negotiatedProtocol(socket: Socket): NegotiatedProtocol {
  return (socket as { readonly alpnProtocol?: unknown }).alpnProtocol === 'h2' ? 'http2' : 'http1'
}

export class NegotiatedTransport implements UpstreamTransport {
  readonly name: UpstreamTransport['name']
  readonly #owner: NegotiationOwner
  readonly #transport: UpstreamTransport
  readonly #protocol: NegotiatedProtocol
  /** The connection by which the protocol was found out. */
  #first: Socket | null

  constructor(owner: NegotiationOwner, transport: UpstreamTransport, protocol: NegotiatedProtocol, first: Socket) {
    this.#owner = owner
    this.#transport = transport
    this.#protocol = protocol
    this.#first = first
    this.name = transport.name
  }

  connect(address: string, port: number, onReady: (failure: string | null) => void): Socket {
    const first = this.#first
    if (first !== null) {
      this.#first = null
      queueMicrotask(() => onReady(null))
      return first
    }
    const socket = this.#transport.connect(address, port, failure => {
      if (failure !== null || negotiatedProtocol(socket) === this.#protocol) {
        onReady(failure)
        return
      }
      this.#owner.onOtherProtocol(this)
      onReady(PROTOCOL_CHANGED)
    })
    return socket
  }
}
