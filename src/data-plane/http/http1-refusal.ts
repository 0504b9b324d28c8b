// Requests of HTTP/1 that are answered by the connection itself: what no filter need see.
import { FIELD } from '../../transport/http/field-name.ts'
import type { RequestParser } from '../../transport/http1/request-parser.ts'
import { isTunnel } from '../../transport/request-head.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import type { LocalReply } from './local-reply.ts'
import { REFUSAL } from './request-refusal.ts'
import { rejectsUnderscores } from './underscored-headers.ts'

/** Null: the request goes to the filters. The parser's `close` is set where its connection carries no other after it. */
export function http1Refusal(parser: RequestParser, config: ConnectionManagerConfig): LocalReply | null {
  const { acceptsHttp10, defaultHost } = config.http1
  if (parser.version === 10 && !acceptsHttp10) {
    config.stats.connectionProtocolErrors.value++
    parser.close = true
    return REFUSAL.http10
  }
  if (parser.missingHost && parser.version === 10 && defaultHost !== '') {
    parser.head.authority = defaultHost
    parser.missingHost = false
  }
  if (parser.missingHost) {
    parser.close = true
    return REFUSAL.missingHost
  }
  const { underscores } = config
  if (underscores !== null && parser.fields & FIELD.underscore) {
    if (rejectsUnderscores(parser.head.headers, underscores.rejects, underscores.http1)) return REFUSAL.underscore
  }
  if (isTunnel(parser.head)) parser.close = true
  return null
}
