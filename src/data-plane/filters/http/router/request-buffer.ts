// The part of a request's body that waits for a connection, or is kept for another try; bounded.
import type { UpstreamRequest } from './upstream-request.ts'

/** What keeping a chunk costs besides its bytes: a client that sends chunks of one byte is not to multiply the limit. */
const CHUNK_OVERHEAD = 128

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

  /** `repeats`: another try may be asked for, by the route's own policy. */
  static within(limit: number, repeats: boolean): RequestBuffer {
    return new RequestBuffer(repeats ? limit : Math.min(limit, FRESH_TRY_BYTES))
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.bytes += chunk.length
    if (this.bytes + this.#chunks.length * CHUNK_OVERHEAD > this.#limit) this.isOverLimit = true
  }

  sendTo(request: UpstreamRequest, endStream: boolean): void {
    const last = this.#chunks.length - 1
    for (let i = 0; i <= last; i++) request.sendBody(this.#chunks[i]!, endStream && i === last)
  }
}
