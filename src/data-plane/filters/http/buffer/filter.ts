// Holds a request until all of it is here, so that the upstream is not kept busy by a slow client.
import { getHeader, type HeaderList } from '../../../../transport/header-list.ts'
import type { RequestHead } from '../../../../transport/request-head.ts'
import type { DataStatus, FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import { BufferSettings } from './config.ts'

export class BufferFilter implements HttpFilter {
  readonly #stream: FilterStream
  readonly #name: string
  readonly #settings: BufferSettings
  #limit = 0
  #bytes = 0

  constructor(stream: FilterStream, name: string, settings: BufferSettings) {
    this.#stream = stream
    this.#name = name
    this.#settings = settings
  }

  decodeHeaders(_head: RequestHead, endStream: boolean): HeadersStatus {
    if (endStream) return 'continue'
    const ofRoute = this.#stream.routeConfig(this.#name)
    this.#limit = (ofRoute instanceof BufferSettings ? ofRoute : this.#settings).maxRequestBytes
    if (this.#limit === 0) return 'continue'
    this.#stream.raiseRequestBufferLimit(this.#limit)
    return 'stop'
  }

  decodeData(chunk: Buffer, endStream: boolean): DataStatus {
    if (this.#limit === 0) return 'continue'
    this.#bytes += chunk.length
    if (this.#bytes > this.#limit) {
      this.#stream.onRequestTooLarge()
      return 'buffer'
    }
    if (!endStream) return 'buffer'
    setLength(this.#stream.request.headers, this.#bytes)
    return 'continue'
  }
}

/** Known now: there is no need of chunks any more (RFC 9112 6.2). */
function setLength(headers: HeaderList, bytes: number): void {
  if (getHeader(headers, 'content-length') === undefined) headers.push('content-length', String(bytes))
}
