// What is kept of a stream only where an access log asks for it: each moment is a look at the clock.
import type { UpstreamHost } from './upstream-host.ts'

export class StreamRecord {
  /** Monotonic milliseconds; -1: has not happened. So are all that follow. */
  lastDownstreamRx = -1
  firstDownstreamTx = -1
  lastDownstreamTx = -1
  /** Of the latest try, as what follows. */
  poolAsked = -1
  poolReady = -1
  firstUpstreamTx = -1
  lastUpstreamTx = -1
  firstUpstreamRx = -1
  /** Of the response's body. */
  firstUpstreamBody = -1
  lastUpstreamRx = -1
  /** Of every try. */
  readonly hosts: UpstreamHost[] = []
  /** Connections to them, where there were any. */
  readonly connectionIds: number[] = []

  /** What is known of the request's end. */
  receivedDownstream(request: { readonly isRequestComplete: boolean; readonly requestCompletedAt: number }): void {
    // Of a stream that an internal redirect has begun it is known already.
    if (request.isRequestComplete && this.lastDownstreamRx < 0) this.lastDownstreamRx = request.requestCompletedAt
  }

  beginTry(now: number): void {
    this.poolAsked = now
    this.poolReady = -1
    this.firstUpstreamTx = -1
    this.lastUpstreamTx = -1
    this.firstUpstreamRx = -1
    this.firstUpstreamBody = -1
    this.lastUpstreamRx = -1
  }

  sentUpstream(now: number, endStream: boolean): void {
    if (this.firstUpstreamTx < 0) this.firstUpstreamTx = now
    if (endStream) this.lastUpstreamTx = now
  }

  receivedUpstream(now: number, endStream: boolean): void {
    if (this.firstUpstreamRx < 0) this.firstUpstreamRx = now
    if (endStream) this.lastUpstreamRx = now
  }

  receivedBody(now: number, endStream: boolean): void {
    if (this.firstUpstreamBody < 0) this.firstUpstreamBody = now
    if (endStream) this.lastUpstreamRx = now
  }
}
