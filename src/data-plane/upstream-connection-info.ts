// What is known of a connection to an endpoint; the streams that it carries refer to it.
import type { Socket } from 'node:net'
import type { TimerWheel } from '../base/timer-wheel.ts'
import { type TlsDetails, tlsDetailsOf } from '../transport/tls/tls-details.ts'
import { localAddressOf } from './pool/local-address.ts'

/** Envoy numbers its connections through; those to clients have numbers of their own here. */
let connections = 0

export class UpstreamConnectionInfo {
  readonly id = ++connections
  /** `HTTP/1.1` or `HTTP/2`; empty for bytes. */
  readonly protocol: string
  /** `address:port` of this end; empty until it is connected. */
  localAddress = ''
  /** Null: plaintext, or not connected yet. */
  tls: TlsDetails | null = null
  /** Monotonic milliseconds, as the next; -1: not yet. */
  readonly startedAt: number
  connectedAt = -1
  /** With TLS only. */
  handshakeDoneAt = -1

  constructor(protocol: string, now: number) {
    this.protocol = protocol
    this.startedAt = now
  }

  /** `socket` is connecting; so is what lies below its TLS. */
  watch(socket: Socket, wheel: TimerWheel): void {
    socket.once('connect', () => {
      this.connectedAt = wheel.now()
    })
  }

  /** Bytes may be written. */
  onReady(socket: Socket, wheel: TimerWheel): void {
    const now = wheel.now()
    this.localAddress = localAddressOf(socket)
    this.tls = tlsDetailsOf(socket)
    if (this.tls !== null) this.handshakeDoneAt = now
    if (this.connectedAt < 0) this.connectedAt = now
  }
}
