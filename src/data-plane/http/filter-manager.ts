// A stream's filters and the two passes through them. A listener with nothing but the router has no such object.
import type { HeaderList } from '../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import type { DataStatus, HeadersStatus, HttpFilter, TerminalStream } from '../filters/http/contract/http-filter.ts'
import type { FilterChain } from './filter-chain.ts'
import { FilterPass } from './filter-pass.ts'

/** The stream as its filter manager sees it. */
export interface ManagedStream extends TerminalStream {
  /** A response has begun, or the stream has ended: filters see no more of the request. */
  readonly isDecodingOver: boolean
  readonly isEnded: boolean
  /** The route has the last word on it. */
  isFilterDisabled(filterName: string, byDefault: boolean): boolean
  headersToTerminal(endStream: boolean): void
  dataToTerminal(chunk: Buffer, endStream: boolean): void
  trailersToTerminal(trailers: HeaderList): void
  headersToClient(head: ResponseHead, endStream: boolean): void
  dataToClient(chunk: Buffer, endStream: boolean): void
  trailersToClient(trailers: HeaderList): void
  onResponseTooLarge(): void
}

/** In the place of a filter that the stream does without. */
const ABSENT: HttpFilter = {}

export class FilterManager {
  readonly #chain: FilterChain
  readonly #filters: HttpFilter[]
  readonly #decode: DecodePass
  readonly #encode: EncodePass

  constructor(stream: ManagedStream, chain: FilterChain, limit: number) {
    const count = chain.filters.length
    this.#chain = chain
    this.#filters = new Array(count)
    for (let i = 0; i < count; i++) {
      const compiled = chain.filters[i]!
      const disabled = stream.isFilterDisabled(compiled.name, chain.disabled[i]!)
      this.#filters[i] = disabled ? ABSENT : compiled.createFilter(stream)
    }
    this.#decode = new DecodePass(stream, this.#filters, chain.decoders, limit)
    this.#encode = new EncodePass(stream, this.#filters, chain.encoders, limit)
  }

  raiseRequestLimit(bytes: number): void {
    this.#decode.limit = Math.max(this.#decode.limit, bytes)
  }

  replaceRequestData(bytes: Buffer): void {
    this.#decode.replacement = bytes
  }

  replaceResponseData(bytes: Buffer): void {
    this.#encode.replacement = bytes
  }

  decodeHeaders(endStream: boolean): void {
    this.#decode.headers(endStream)
  }

  decodeData(chunk: Buffer, endStream: boolean): void {
    this.#decode.data(chunk, endStream)
  }

  decodeTrailers(trailers: HeaderList): void {
    this.#decode.trailers(trailers)
  }

  encodeHeaders(head: ResponseHead, endStream: boolean): void {
    this.#encode.head = head
    this.#encode.headers(endStream)
  }

  encodeData(chunk: Buffer, endStream: boolean): void {
    this.#encode.data(chunk, endStream)
  }

  encodeTrailers(trailers: HeaderList): void {
    this.#encode.trailers(trailers)
  }

  injectResponseData(filter: HttpFilter, chunk: Buffer, endStream: boolean): void {
    this.#encode.inject(filter, chunk, endStream)
  }

  continueDecoding(filter: HttpFilter): void {
    this.#decode.resume(filter)
  }

  continueEncoding(filter: HttpFilter): void {
    this.#encode.resume(filter)
  }

  destroy(): void {
    for (const position of this.#chain.destroyed) this.#filters[position]!.onDestroy?.()
  }
}

class DecodePass extends FilterPass {
  readonly #stream: ManagedStream

  constructor(stream: ManagedStream, filters: readonly HttpFilter[], order: readonly number[], limit: number) {
    super(filters, order, limit)
    this.#stream = stream
  }

  protected get isOver(): boolean {
    return this.#stream.isDecodingOver
  }

  protected onOverflow(): void {
    this.#stream.onRequestTooLarge()
  }

  protected onFull(): void {
    this.#stream.pauseRequest()
  }

  protected onRelieved(): void {
    this.#stream.resumeRequest()
  }

  protected callHeaders(filter: HttpFilter, endStream: boolean): HeadersStatus {
    const head: RequestHead = this.#stream.request
    return filter.decodeHeaders?.(head, endStream) ?? 'continue'
  }

  protected callData(filter: HttpFilter, chunk: Buffer, endStream: boolean): DataStatus | undefined {
    return filter.decodeData?.(chunk, endStream)
  }

  protected callTrailers(filter: HttpFilter, trailers: HeaderList): HeadersStatus | undefined {
    return filter.decodeTrailers?.(trailers)
  }

  protected deliverHeaders(endStream: boolean): void {
    this.#stream.headersToTerminal(endStream)
  }

  protected deliverTrailers(trailers: HeaderList): void {
    this.#stream.trailersToTerminal(trailers)
  }

  protected deliverData(chunk: Buffer, endStream: boolean): void {
    this.#stream.dataToTerminal(chunk, endStream)
  }
}

class EncodePass extends FilterPass {
  head: ResponseHead = { status: 0, headers: [] }
  readonly #stream: ManagedStream

  constructor(stream: ManagedStream, filters: readonly HttpFilter[], order: readonly number[], limit: number) {
    super(filters, order, limit)
    this.#stream = stream
  }

  protected get isOver(): boolean {
    return this.#stream.isEnded
  }

  protected onOverflow(): void {
    this.#stream.onResponseTooLarge()
  }

  protected onFull(): void {
    this.#stream.pauseResponse()
  }

  protected onRelieved(): void {
    this.#stream.resumeResponse()
  }

  protected callHeaders(filter: HttpFilter, endStream: boolean): HeadersStatus {
    return filter.encodeHeaders?.(this.head, endStream) ?? 'continue'
  }

  protected callData(filter: HttpFilter, chunk: Buffer, endStream: boolean): DataStatus | undefined {
    return filter.encodeData?.(chunk, endStream)
  }

  protected callTrailers(filter: HttpFilter, trailers: HeaderList): HeadersStatus | undefined {
    return filter.encodeTrailers?.(trailers)
  }

  protected deliverHeaders(endStream: boolean): void {
    this.#stream.headersToClient(this.head, endStream)
  }

  protected deliverTrailers(trailers: HeaderList): void {
    this.#stream.trailersToClient(trailers)
  }

  protected deliverData(chunk: Buffer, endStream: boolean): void {
    this.#stream.dataToClient(chunk, endStream)
  }
}
