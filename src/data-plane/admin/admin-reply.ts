// What a page of the admin port answers with.
import type { JsonObject } from './config-json.ts'
import { type JsonParts, jsonText } from './json-parts.ts'
import { gathered } from './page-pieces.ts'

export interface AdminReply {
  readonly status: number
  readonly contentType: string
  /** In pieces: the event loop has its turn between any two. */
  readonly body: string | Iterable<string>
}

export const TEXT = 'text/plain; charset=UTF-8'

export function isJson(query: URLSearchParams): boolean {
  return query.get('format') === 'json'
}

export function textInPieces(parts: Iterable<string>): AdminReply {
  return { status: 200, contentType: TEXT, body: gathered(parts) }
}

export function text(body: string, status = 200): AdminReply {
  return { status, contentType: TEXT, body }
}

export function json(value: JsonObject): AdminReply {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(value, null, 1)}\n` }
}

export function jsonInPieces(source: JsonParts): AdminReply {
  return { status: 200, contentType: 'application/json', body: gathered(jsonText(source)) }
}
