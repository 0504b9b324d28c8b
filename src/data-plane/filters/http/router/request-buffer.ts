// The part of a request's body that waits for a connection, or is kept for another try; bounded.
import type { ForwardRoute } from '../../../route/route-entry.ts'
import type { UpstreamRequest } from './upstream-request.ts'

/** What keeping a chunk costs besides its bytes: a client that sends chunks of one byte is not to multiply the limit. */
const CHUNK_OVERHEAD = 128

const LEAST_COST = 64 * 1024

/** Without a policy of retries, so much is kept for the one unpaid try. */
const FRESH_TRY_BYTES = 64 * 1024

export class RequestBuffer {
  bytes = 0
  /** More came than may be kept: the body cannot be sent again. */
  isOverLimit = false
  readonly #limit: number
  readonly #chunks: Buffer[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * The route's bound, be it the larger (Envoy), or else the listener's. `repeats`: another try may be asked for, by the
   * route's own policy.
   */
  static within(listener: { readonly bufferLimit: number }, route: ForwardRoute, repeats: boolean): RequestBuffer {
    const limit = route.bufferLimit ?? listener.bufferLimit
    return new RequestBuffer(repeats ? limit : Math.min(limit, FRESH_TRY_BYTES))
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.bytes += chunk.length
    const cost = this.bytes + this.#chunks.length * CHUNK_OVERHEAD
    // Of a limit that is smaller than what a body costs anyway, the bytes are what is meant.
    if (this.bytes > this.#limit || cost > Math.max(this.#limit, LEAST_COST)) this.isOverLimit = true
  }

  /** All of it, in one piece. */
  whole(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  sendTo(request: UpstreamRequest, endStream: boolean): void {
    const last = this.#chunks.length - 1
    for (let i = 0; i <= last; i++) request.sendBody(this.#chunks[i]!, endStream && i === last)
  }
}
