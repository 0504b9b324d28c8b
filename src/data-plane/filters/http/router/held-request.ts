// The client's request as the router has it: what has come, what of it is kept for a connection to come or another try, and
// whether the client is held back.
import type { HeaderList } from '../../../../transport/header-list.ts'
import { isTunnel, type RequestHead } from '../../../../transport/request-head.ts'
import type { TerminalStream } from '../contract/http-filter.ts'
import type { RequestBuffer } from './request-buffer.ts'
import type { UpstreamRequest } from './upstream-request.ts'

const NO_BYTES = Buffer.alloc(0)

export abstract class HeldRequest {
  readonly head: RequestHead
  /** After the route's rewrites. */
  authority = ''
  path = ''
  protected readonly stream: TerminalStream
  protected isWhole = false
  /** Null while nothing is kept. */
  protected body: RequestBuffer | null = null
  protected trailers: HeaderList | null = null
  /** Some of its body has come here: what a filter or a redirect has taken away does not count. */
  protected hasBody = false
  #isPaused = false

  constructor(stream: TerminalStream) {
    this.stream = stream
    this.head = stream.request
  }

  /** The try is neither over nor given up. */
  protected abstract isUnderWay(request: UpstreamRequest): boolean

  /** Whether all that was taken of the request's body is still here. */
  protected get isReplayable(): boolean {
    const { body } = this
    return body === null ? !this.hasBody : !body.isOverLimit
  }

  /** Nothing follows the head of what is to be sent. */
  protected get isHeadOnly(): boolean {
    return this.isWhole && this.trailers === null && (this.body === null || this.body.bytes === 0)
  }

  /** Bytes that cannot be sent yet, or may have to be sent again. */
  protected keep(body: RequestBuffer, chunk: Buffer, connected: boolean): void {
    body.add(chunk)
    if (!body.isOverLimit) return
    // Too much to keep for another try; before the first, the client has to wait.
    if (connected) this.body = null
    else this.pause()
  }

  /** What came before it could be sent. Any of it may reset the try, and another may be under way when this returns. */
  protected sendKept(request: UpstreamRequest): void {
    const { body, trailers } = this
    const ends = this.isWhole && trailers === null
    if (!this.isUnderWay(request)) return
    if (body !== null && body.bytes > 0) body.sendTo(request, ends)
    else if (ends && isTunnel(this.head)) request.sendBody(NO_BYTES, true)
    if (trailers !== null && this.isUnderWay(request)) request.sendTrailers(trailers)
  }

  onUpstreamDrained(): void {
    this.resume()
  }

  protected pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.stream.pauseRequest()
  }

  protected resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.stream.resumeRequest()
  }
}
