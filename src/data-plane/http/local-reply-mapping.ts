// local_reply_config: what becomes of the replies that the mesh makes itself (Envoy's LocalReply). The first mapper whose
// filter admits the stream has its say, then one format makes the body.
import { toByteString } from '../../automata/regex.ts'
import { bug } from '../../base/bug.ts'
import type { Clock } from '../../base/clock.ts'
import { getHeader, type HeaderList, setHeader } from '../../transport/header-list.ts'
import { LineBuffer } from '../access-log/line-buffer.ts'
import type { LogFilter } from '../access-log/log-filter.ts'
import type { LineFormat } from '../access-log/log-format.ts'
import { ACCESS_LOG_TYPE } from '../access-log-type.ts'
import type { HeaderMutations } from '../route/route-entry.ts'
import type { StreamInfo } from '../stream-info.ts'
import type { LocalReply, ReplyContent } from './local-reply.ts'

export interface BodyFormat {
  readonly line: LineFormat
  readonly contentType: string
}

export interface ResponseMapper {
  readonly filter: LogFilter
  /** Null: as it was. */
  readonly status: number | null
  /** The same; a character for each byte. */
  readonly body: string | null
  readonly headers: HeaderMutations
  /** Null: the one that all have. */
  readonly format: BodyFormat | null
}

/** What is answered. */
export interface RepliedRequest {
  readonly info: StreamInfo
  readonly isRequestComplete: boolean
  readonly requestCompletedAt: number
}

export class LocalReplyMapping {
  /** A format tells what is in `StreamInfo.record`. */
  readonly needsRecord: boolean
  readonly #mappers: readonly ResponseMapper[]
  /** Null: the body as it is. */
  readonly #format: BodyFormat | null

  constructor(mappers: readonly ResponseMapper[], format: BodyFormat | null, needsRecord: boolean) {
    this.#mappers = mappers
    this.#format = format
    this.needsRecord = needsRecord
  }

  /** `headers` are the reply's, to be changed; of its status and body, what they have become. */
  rewrite(
    reply: LocalReply,
    headers: HeaderList,
    isGrpc: boolean,
    request: RepliedRequest,
    clock: Clock,
  ): ReplyContent {
    const { info } = request
    // What filters and formats read of a response that is only being made.
    info.responseCode = reply.status
    info.responseHeaders = headers
    info.duration = clock.now() - info.startedAt
    info.logType = ACCESS_LOG_TYPE.notSet
    info.record?.receivedDownstream(request)
    // As with a line of the access log: a mistake in reading what a peer has sent must not end the process.
    try {
      return this.#map(reply.body, headers, isGrpc, info)
    } catch (error) {
      bug(`a local reply could not be mapped: ${error}`)
      return reply
    } finally {
      info.localReplyBody = ''
    }
  }

  #map(original: string | Buffer, headers: HeaderList, isGrpc: boolean, info: StreamInfo): ReplyContent {
    const before = typeof original === 'string' ? toByteString(original) : original.toString('latin1')
    const typeBefore = getHeader(headers, 'content-type')
    const mapper = this.#mapperOf(info)
    if (mapper !== null) {
      mapper.headers.apply(headers, info)
      if (mapper.status !== null) info.responseCode = mapper.status
    }
    // Only from here on: to the mapper's headers Envoy tells no body.
    info.localReplyBody = mapper?.body ?? before
    const format = mapper?.format ?? this.#format
    const type = format?.contentType ?? TEXT
    const body = format === null ? info.localReplyBody : formatted(format, info)
    // A type that the mapper itself has given stands, and so does the reply's own where its body does (Envoy).
    const typeNow = getHeader(headers, 'content-type')
    if (typeNow === undefined || (body !== before && typeNow === typeBefore)) setHeader(headers, 'content-type', type)
    const isMessage = isGrpc && type === JSON_TYPE && body.charCodeAt(body.length - 1) === NEWLINE
    return { status: info.responseCode, body: Buffer.from(isMessage ? body.slice(0, -1) : body, 'latin1') }
  }

  #mapperOf(info: StreamInfo): ResponseMapper | null {
    const mappers = this.#mappers
    for (let i = 0; i < mappers.length; i++) if (mappers[i]!.filter.admits(info)) return mappers[i]!
    return null
  }
}

export const TEXT = 'text/plain'
export const JSON_TYPE = 'application/json'
const NEWLINE = 10
/** Replies are made one at a time. */
const SCRATCH = new LineBuffer()

function formatted({ line }: BodyFormat, info: StreamInfo): string {
  SCRATCH.truncate(0)
  line(info, SCRATCH)
  if (SCRATCH.length === 0) return ''
  const bytes = SCRATCH.take()
  const text = bytes.toString('latin1')
  SCRATCH.giveBack(bytes)
  return text
}
