// The contract of an HTTP filter: one object per stream, made by the factory's compiled form.
//
//   decode (request):  filter 0 -> filter 1 -> ... -> router
//   encode (response): filter 0 <- filter 1 <- ... <- router
import type { HeaderList } from '../../../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import type { LocalReply } from '../../../http/local-reply.ts'
import type { RedirectHistory } from '../../../http/redirect-history.ts'
import type { ClusterChoice, RouteEntry, RouteFilters } from '../../../route/route-entry.ts'
import type { StreamInfo } from '../../../stream-info.ts'

/**
 * `continue`: on to the next filter. `stop`: this filter holds the stream; body bytes go no further than this filter
 * until it calls `continueDecoding` (`continueEncoding`), or has sent a local reply.
 */
export type HeadersStatus = 'continue' | 'stop'

/**
 * `continue`: on to the next filter; when this filter had stopped the headers, they go first.
 * `buffer`: the manager keeps the bytes for when this filter continues; beyond the buffer limit the stream is refused
 * (413 on the request, 500 on the response).
 * `pause`: as `buffer`, but at the limit the sender is held back instead.
 * `take`: the filter, which does not hold the headers, has taken them and hands them on itself (Envoy's
 * StopIterationNoBuffer); of the response only, by `injectResponseData`.
 */
export type DataStatus = 'continue' | 'buffer' | 'pause' | 'take'

/** A filter has only the methods for events that it listed in its factory's `events`. */
export interface HttpFilter {
  /** `endStream`: no body follows. */
  decodeHeaders?(head: RequestHead, endStream: boolean): HeadersStatus
  decodeData?(chunk: Buffer, endStream: boolean): DataStatus
  /** End the message in place of data with `endStream`. `stop`: held, with all that this filter holds. */
  decodeTrailers?(trailers: HeaderList): HeadersStatus
  encodeHeaders?(head: ResponseHead, endStream: boolean): HeadersStatus
  encodeData?(chunk: Buffer, endStream: boolean): DataStatus
  encodeTrailers?(trailers: HeaderList): HeadersStatus
  /** Called exactly once, whatever became of the stream. Afterwards the filter must not touch it. */
  onDestroy?(): void
}

/** What the router, as the filter that ends the chain, is told besides. */
export interface TerminalFilter extends HttpFilter {
  /** The client takes bytes again after `encodeData` returned false. */
  onDownstreamDrained(): void
}

/** The stream as its filters see it. */
export interface FilterStream {
  readonly info: StreamInfo
  readonly request: RequestHead
  readonly isRequestComplete: boolean
  /** Monotonic milliseconds at which the request's last byte came, once it is complete. */
  readonly requestCompletedAt: number
  /** The client's address, as the proxies before this one that are trusted tell. */
  readonly remoteIp: string
  /** The route of the request, looked up when it is first asked for; null when none matches. */
  route(): RouteEntry | null
  /** Where the route sends the request, drawn once; null when it forwards nothing. */
  clusterChoice(): ClusterChoice | null
  /** What the route says to the filter of this name, whatever its class; null when nothing. */
  routeConfig(filterName: string): object | null
  /** All that the route says to filters; null without a route. */
  routeFilters(): RouteFilters | null
  /** What a route looks at has changed: it is looked up anew. */
  clearRouteCache(): void
  /** From within decodeData: what goes on in the chunk's place. From within decodeTrailers: bytes to go before them. */
  replaceRequestData(bytes: Buffer): void
  /** The same from within encodeData and encodeTrailers. With no trailers left, the bytes end the message. */
  replaceResponseData(bytes: Buffer): void
  /** Goes on from behind `filter`, which took it. */
  injectResponseData(filter: HttpFilter, chunk: Buffer, endStream: boolean): void
  /** Holds the response's sender back; calls nest. */
  pauseResponse(): void
  resumeResponse(): void
  /** Bytes that a filter should keep at most. */
  readonly bufferLimit: number
  /** For what filters keep of the request: as much at least, where the listener allows less. */
  raiseRequestBufferLimit(bytes: number): void
  /** The request is larger than a filter takes: 413, and counted. */
  onRequestTooLarge(): void
  /** Ends the stream with a response of the mesh's own, through the encode filters. Nothing when a response has begun. */
  localReply(reply: LocalReply): void
  continueDecoding(filter: HttpFilter): void
  continueEncoding(filter: HttpFilter): void
}

/** What a terminal filter does to the stream. */
export interface TerminalStream extends FilterStream {
  /** A 1xx: goes past the filters, or nowhere, as the connection manager's config says. */
  encodeInterim(head: ResponseHead): void
  encodeHeaders(head: ResponseHead, endStream: boolean): void
  /** False when the client is slower than the upstream: hold back until `onDownstreamDrained`. */
  encodeData(chunk: Buffer, endStream: boolean): boolean
  encodeTrailers(trailers: HeaderList): void
  /** The response broke off after it had begun: the downstream connection is closed, which tells the client. */
  resetResponse(details: string, flags: number): void
  /** The route's own, in place of the connection manager's. Milliseconds; 0: none. */
  setIdleTimeout(timeoutMs: number): void
  /** Holds the request's sender back; calls nest. */
  pauseRequest(): void
  resumeRequest(): void
  /** Those that have led here; null: none. */
  redirects: RedirectHistory | null
  /** The route that such a request would have. */
  routeFor(head: RequestHead): RouteEntry | null
  /**
   * Follows the redirect `response`: the stream ends here, without a word to the client, and another begins with `head`
   * and `body`, the whole request, in its place. False where the client is being answered already.
   */
  redirect(head: RequestHead, body: Buffer, response: ResponseHead): boolean
}
