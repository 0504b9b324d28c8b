// A request's way to its endpoint as the router drives it, whatever carries it: Envoy's RequestEncoder, and the pool that
// has them.
import type { HeaderList } from '../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import type { UpstreamConnectionInfo } from '../upstream-connection-info.ts'
import type { ResetReason } from './reset-reason.ts'

/**
 * Of one request. RFC 9110 15.2 sets no bound, and Envoy has none: an upstream could keep a request, and this side at work,
 * for ever. One each second is a quarter of an hour.
 */
export const MAX_INTERIM_RESPONSES = 1000

/** The stream that sends a request, told what comes back. */
export interface UpstreamStream {
  /** `fields`: bits of the codec's FIELD that occurred. */
  onResponseHead(head: ResponseHead, fields: number, endStream: boolean): void
  onResponseBody(chunk: Buffer, endStream: boolean): void
  /** Ends the response. */
  onResponseTrailers(trailers: HeaderList): void
  /** A 1xx, before the response. */
  onInterimResponse(head: ResponseHead): void
  /** There will be no more of the response. */
  onReset(reason: ResetReason): void
  /** `isBlocked` has become false. */
  onEncoderDrained(): void
}

export interface RequestEncoder {
  readonly connection: UpstreamConnectionInfo
  /** The endpoint takes no more for now; `onEncoderDrained` follows. */
  readonly isBlocked: boolean
  /** Its connection has carried requests before. */
  readonly isReused: boolean
  /** Gives the encoder to a stream, once. */
  assign(stream: UpstreamStream): void
  sendHead(head: RequestHead, path: string, authority: string, endStream: boolean): void
  /** Nothing may be sent after `endStream`. */
  sendBody(chunk: Buffer, endStream: boolean): void
  /** Ends the request. */
  sendTrailers(trailers: HeaderList): void
  /** Holds the response's sender back until `resume`. */
  pause(): void
  resume(): void
  /** The stream gives up before the end of request or response, and is told nothing more. */
  abandon(): void
}

/** A stream that waits for a connection. */
export interface PoolWaiter {
  onPoolReady(encoder: RequestEncoder): void
  /** `failure`: the transport's reason, empty when there is none. */
  onPoolFailure(reason: ResetReason, failure: string): void
}

/** The connections to one endpoint by one protocol. */
export interface HttpPool {
  /**
   * An encoder, to be assigned at once; or null: the waiter is queued and called later. When the queue is full it is called
   * before this returns, with `overflow`. `fresh`: connections that have carried requests are not trusted.
   */
  acquire(waiter: PoolWaiter, fresh: boolean): RequestEncoder | null
  /** The waiter is not called any more. */
  cancel(waiter: PoolWaiter): void
  /** The endpoint has left: what is idle closes now, the rest after its streams. */
  drain(): void
}
