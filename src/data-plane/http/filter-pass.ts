// One direction of a stream through its filters: who holds the headers, whose bytes are kept, what goes on when.
import type { HeaderList } from '../../transport/header-list.ts'
import type { DataStatus, HeadersStatus, HttpFilter } from '../filters/http/contract/http-filter.ts'

interface Held {
  chunks: Buffer[]
  end: boolean
  trailers: HeaderList | null
}

export abstract class FilterPass {
  /** Bytes that may be kept. */
  limit: number
  /** Set by a filter while it is asked: what goes on in the chunk's place, or before the trailers. */
  replacement: Buffer | null = null
  readonly #filters: readonly HttpFilter[]
  readonly #order: readonly number[]
  #headersEnd = false
  /** Place in `order` of the filter that holds the headers; its length once they are through. */
  #headersAt = 0
  /** By place in `order`: bytes that a filter asked to keep. */
  readonly #held: (Held | undefined)[] = []
  #heldBytes = 0
  #full = false

  constructor(filters: readonly HttpFilter[], order: readonly number[], limit: number) {
    this.#filters = filters
    this.#order = order
    this.limit = limit
  }

  /** No filter may be called any more: the stream is over, or its response is being made here. */
  protected abstract readonly isOver: boolean
  /** More was kept than the limit allows: a local reply is due. */
  protected abstract onOverflow(): void
  /** Holds the sender of this direction back, until `onRelieved`. */
  protected abstract onFull(): void
  protected abstract onRelieved(): void
  protected abstract callHeaders(filter: HttpFilter, endStream: boolean): HeadersStatus
  /** Undefined: the filter has no say in bytes. */
  protected abstract callData(filter: HttpFilter, chunk: Buffer, endStream: boolean): DataStatus | undefined
  /** Undefined: the filter has no say in trailers. */
  protected abstract callTrailers(filter: HttpFilter, trailers: HeaderList): HeadersStatus | undefined
  protected abstract deliverHeaders(endStream: boolean): void
  protected abstract deliverData(chunk: Buffer, endStream: boolean): void
  protected abstract deliverTrailers(trailers: HeaderList): void

  headers(endStream: boolean): void {
    this.#headersEnd = endStream
    this.#passHeaders(0)
  }

  data(chunk: Buffer, endStream: boolean): void {
    this.#passData(0, chunk, endStream)
  }

  /** Ends the message in place of `data` with `endStream`. */
  trailers(trailers: HeaderList): void {
    this.#passTrailers(0, trailers)
  }

  /** Bytes that `filter` took, or made, go on behind it. */
  inject(filter: HttpFilter, chunk: Buffer, endStream: boolean): void {
    if (this.isOver) return
    const at = this.#placeOf(filter)
    if (at >= 0) this.#passData(at + 1, chunk, endStream)
  }

  /** `filter` lets go of headers, bytes and trailers that it holds. */
  resume(filter: HttpFilter): void {
    if (this.isOver) return
    const at = this.#placeOf(filter)
    if (at >= 0) this.#release(at)
  }

  #placeOf(filter: HttpFilter): number {
    return this.#order.findIndex(position => this.#filters[position] === filter)
  }

  #passHeaders(from: number): void {
    const order = this.#order
    for (let at = from; at < order.length; at++) {
      this.#headersAt = at
      const status = this.callHeaders(this.#filters[order[at]!]!, this.#headersEnd)
      if (this.isOver || status === 'stop') return
    }
    this.#headersAt = order.length
    this.deliverHeaders(this.#headersEnd)
  }

  #passData(from: number, original: Buffer, endStream: boolean): void {
    const order = this.#order
    let chunk = original
    for (let at = from; at < order.length; at++) {
      // A filter that holds the headers and has no say in bytes has them kept for it.
      const none = at === this.#headersAt ? 'pause' : 'continue'
      this.replacement = null
      const status = this.callData(this.#filters[order[at]!]!, chunk, endStream) ?? none
      if (status === 'take' || this.isOver) return
      chunk = this.replacement ?? chunk
      if (status !== 'continue') {
        this.#keep(at, chunk, endStream, status)
        return
      }
      if (at === this.#headersAt || this.#held[at] !== undefined) {
        this.#keep(at, chunk, endStream, 'pause')
        this.#release(at)
        return
      }
    }
    this.deliverData(chunk, endStream)
  }

  #passTrailers(from: number, trailers: HeaderList): void {
    const order = this.#order
    for (let at = from; at < order.length; at++) {
      const holds = at === this.#headersAt || this.#held[at] !== undefined
      // Not before what this filter holds; one with no say in trailers holds them, too.
      this.replacement = null
      const status = this.callTrailers(this.#filters[order[at]!]!, trailers) ?? (holds ? 'stop' : 'continue')
      if (this.isOver) return
      const bytes: Buffer | null = this.replacement
      // A filter that has taken all of them into bytes ends the message with these.
      const end = bytes !== null && trailers.length === 0
      if (status === 'stop' || holds) {
        if (bytes !== null) this.#keep(at, bytes, end, 'pause')
        if (!end) this.#heldAt(at).trailers = trailers
        if (status === 'continue') this.#release(at)
        return
      }
      if (bytes === null) continue
      this.#passData(at + 1, bytes, end)
      if (end || this.isOver) return
    }
    this.deliverTrailers(trailers)
  }

  #heldAt(at: number): Held {
    let held = this.#held[at]
    if (held === undefined) {
      held = { chunks: [], end: false, trailers: null }
      this.#held[at] = held
    }
    return held
  }

  #keep(at: number, chunk: Buffer, end: boolean, status: DataStatus): void {
    const held = this.#heldAt(at)
    held.end = end
    // Copied: the bytes may lie in a read buffer that is used again.
    if (chunk.length > 0) held.chunks.push(Buffer.from(chunk))
    this.#heldBytes += chunk.length
    if (this.#heldBytes <= this.limit) return
    if (status === 'buffer') this.onOverflow()
    else if (!this.#full) {
      this.#full = true
      this.onFull()
    }
  }

  #release(at: number): void {
    const held = this.#held[at]
    this.#held[at] = undefined
    if (this.#headersAt === at) {
      this.#passHeaders(at + 1)
      if (this.isOver) return
    }
    if (held === undefined) return
    for (const chunk of held.chunks) this.#heldBytes -= chunk.length
    if (this.#full && this.#heldBytes <= this.limit) {
      this.#full = false
      this.onRelieved()
    }
    const last = held.chunks.length - 1
    if (last < 0 && held.trailers === null) this.#passData(at + 1, EMPTY, held.end)
    for (let i = 0; i <= last && !this.isOver; i++) {
      this.#passData(at + 1, held.chunks[i]!, held.end && i === last)
    }
    if (held.trailers !== null && !this.isOver) this.#passTrailers(at + 1, held.trailers)
  }
}

const EMPTY = Buffer.alloc(0)
