// The connection that checks of one endpoint are sent over, in either version of HTTP: made when there is none, or none
// that takes another request.

import { type Http2ConnectionOwner, Http2UpstreamConnection } from '../pool/http2-upstream-connection.ts'
import type { RequestEncoder } from '../pool/request-encoder.ts'
import type { ConnectionOwner } from '../pool/upstream-connection.ts'
import { UpstreamConnection } from '../pool/upstream-connection.ts'
import type { CheckTarget } from './check-target.ts'

export interface CheckConnectionUser {
  onReady(encoder: RequestEncoder): void
  onConnectFailed(): void
}

type Connection = UpstreamConnection | Http2UpstreamConnection

export class CheckConnection implements ConnectionOwner, Http2ConnectionOwner {
  readonly #target: CheckTarget
  readonly #http2: boolean
  readonly #user: CheckConnectionUser
  #connection: Connection | null = null

  constructor(target: CheckTarget, http2: boolean, user: CheckConnectionUser) {
    this.#target = target
    this.#http2 = http2
    this.#user = user
  }

  open(): void {
    const known = this.#connection
    if (known instanceof UpstreamConnection && known.isIdle) this.#user.onReady(known)
    else if (known instanceof Http2UpstreamConnection && known.canOpenStream) this.#user.onReady(known.openStream())
    else {
      this.close()
      const { endpoint, settings, wheel } = this.#target
      const { transport } = endpoint
      this.#connection = this.#http2
        ? new Http2UpstreamConnection(this, settings, endpoint, transport, wheel)
        : new UpstreamConnection(this, endpoint, settings, transport, wheel)
    }
  }

  /** Whatever is under way on it ends, and nobody is told. */
  close(): void {
    const connection = this.#connection
    this.#connection = null
    connection?.close()
  }

  onConnected(connection: Connection): void {
    if (connection !== this.#connection) connection.close()
    else this.#user.onReady(connection instanceof UpstreamConnection ? connection : connection.openStream())
  }

  onConnectFailed(connection: Connection): void {
    if (connection !== this.#connection) return
    this.#connection = null
    this.#user.onConnectFailed()
  }

  onReleased(connection: UpstreamConnection): void {
    if (connection !== this.#connection || !this.#target.reusesConnection) connection.close()
  }

  onClosed(connection: Connection): void {
    if (connection === this.#connection) this.#connection = null
  }

  onCapacity(): void {}

  onIdleTimeout(): void {}
}
