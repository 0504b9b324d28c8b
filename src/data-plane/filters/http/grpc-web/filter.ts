// gRPC for browsers: requests become gRPC, and of responses the trailers become the last frame of the body. The text form
// of either is base64.
import { getHeader, type HeaderList, removeHeader, setHeader } from '../../../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import type { ClusterSource } from '../../../cluster/cluster.ts'
import { httpToGrpcStatus, isGrpcContentType, percentEncode } from '../../../http/grpc-status.ts'
import { failure } from '../../../http/local-reply.ts'
import { pathEnd } from '../../../route/path-rewrite.ts'
import { countCall, type GrpcStats, type MethodStats } from '../../../stats/grpc-method-stats.ts'
import type { DataStatus, FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import { Base64Decoder } from './base64-decoder.ts'
import { FrameEncoder } from './frame-encoder.ts'
import { trailersFrame } from './trailers-frame.ts'

const BAD_BASE64 = failure(400, 'grpc_base_64_decode_failed', 0, 'Bad gRPC-web request, invalid base64 data.')
const BAD_SIZE = failure(400, 'grpc_base_64_decode_failed_bad_size', 0, 'Bad gRPC-web request, invalid base64 data.')
const BINARY = 'application/grpc-web'
const TEXT = 'application/grpc-web-text'
const NOTHING = Buffer.alloc(0)
/** Of a body that is no gRPC, this much becomes the message (Envoy). */
const MAX_MESSAGE_BYTES = 16_384

export class GrpcWebFilter implements HttpFilter {
  readonly #stream: FilterStream
  readonly #clusters: ClusterSource
  readonly #statsOfAll: GrpcStats
  #stats: MethodStats | null = null
  #isGrpcWeb = false
  /** Of a request in text. */
  #decoder: Base64Decoder | null = null
  #answersInText = false
  /** Of a response in text. */
  #encoder: FrameEncoder | null = null
  /** Of a response that is no gRPC and becomes one: its head, and what there is of its body. */
  #foreign: ResponseHead | null = null
  #message: Buffer = NOTHING

  constructor(stream: FilterStream, clusters: ClusterSource, stats: GrpcStats) {
    this.#stream = stream
    this.#clusters = clusters
    this.#statsOfAll = stats
  }

  decodeHeaders({ path, headers }: RequestHead, _endStream: boolean): HeadersStatus {
    const type = getHeader(headers, 'content-type')
    const isText = isOf(type, TEXT)
    if (!isText && !isOf(type, BINARY)) return 'continue'
    this.#isGrpcWeb = true
    if (isText) this.#decoder = new Base64Decoder()
    this.#answersInText = isOf(getHeader(headers, 'accept'), TEXT)
    const choice = this.#stream.clusterChoice()
    const cluster = choice === null ? undefined : this.#clusters.get(choice.cluster)
    if (cluster !== undefined) this.#stats = this.#statsOfAll.of(cluster.name, path.slice(0, pathEnd(path)))
    // The length of base64 is not that of what it stands for.
    removeHeader(headers, 'content-length')
    setHeader(headers, 'content-type', 'application/grpc')
    setHeader(headers, 'te', 'trailers')
    setHeader(headers, 'grpc-accept-encoding', 'identity')
    return 'continue'
  }

  decodeData(chunk: Buffer, endStream: boolean): DataStatus {
    const decoder = this.#decoder
    if (decoder === null) return 'continue'
    const bytes = decoder.decode(chunk)
    if (bytes === null || (endStream && decoder.isMidGroup)) {
      this.#stream.localReply(bytes === null ? BAD_BASE64 : BAD_SIZE)
      return 'pause'
    }
    this.#stream.replaceRequestData(bytes)
    return bytes.length === 0 && !endStream ? 'pause' : 'continue'
  }

  decodeTrailers(_trailers: HeaderList): HeadersStatus {
    if (this.#decoder?.isMidGroup !== true) return 'continue'
    this.#stream.localReply(BAD_SIZE)
    return 'stop'
  }

  encodeHeaders(head: ResponseHead, endStream: boolean): HeadersStatus {
    if (!this.#isGrpcWeb) return 'continue'
    const { headers } = head
    this.#count(headers)
    const type = getHeader(headers, 'content-type')
    const isGrpc = isGrpcContentType(type) || isOf(type, BINARY) || isOf(type, TEXT)
    setHeader(headers, 'content-type', this.#answersInText ? `${TEXT}+proto` : `${BINARY}+proto`)
    if (endStream) return 'continue'
    removeHeader(headers, 'content-length')
    if (!isGrpc) {
      this.#foreign = head
      return 'stop'
    }
    if (this.#answersInText) this.#encoder = new FrameEncoder()
    return 'continue'
  }

  encodeData(chunk: Buffer, endStream: boolean): DataStatus {
    if (this.#foreign !== null) return this.#takeMessage(this.#foreign, chunk, endStream)
    const encoder = this.#encoder
    if (encoder === null) return 'continue'
    const text = encoder.encode(chunk)
    this.#stream.replaceResponseData(endStream ? Buffer.concat([text, encoder.finish()]) : text)
    return text.length === 0 && !endStream ? 'pause' : 'continue'
  }

  encodeTrailers(trailers: HeaderList): HeadersStatus {
    if (!this.#isGrpcWeb) return 'continue'
    if (this.#foreign !== null) {
      this.#takeMessage(this.#foreign, NOTHING, true)
      trailers.length = 0
      return 'continue'
    }
    this.#count(trailers)
    const frame = trailersFrame(trailers)
    trailers.length = 0
    const encoder = this.#encoder
    const text = encoder === null ? frame : Buffer.concat([encoder.finish(), Buffer.from(frame.toString('base64'))])
    this.#stream.replaceResponseData(text)
    return 'continue'
  }

  #count(fields: HeaderList): void {
    const status = getHeader(fields, 'grpc-status')
    if (status !== undefined && this.#stats !== null) countCall(this.#stats, status)
  }

  /** An HTML page of a load balancer's, say: its status and its text become gRPC's. */
  #takeMessage({ status, headers }: ResponseHead, chunk: Buffer, endStream: boolean): DataStatus {
    const room = MAX_MESSAGE_BYTES - this.#message.length
    if (room > 0 && chunk.length > 0) this.#message = Buffer.concat([this.#message, chunk.subarray(0, room)])
    this.#stream.replaceResponseData(NOTHING)
    if (!endStream) return 'pause'
    setHeader(headers, 'grpc-message', percentEncode(this.#message))
    setHeader(headers, 'grpc-status', String(httpToGrpcStatus(status)))
    setHeader(headers, 'content-length', '0')
    return 'continue'
  }
}

/** The media type itself, or that with `+proto`. */
function isOf(type: string | undefined, media: string): boolean {
  return type === media || (type?.length === media.length + 6 && type.startsWith(media) && type.endsWith('+proto'))
}
