// One line of the access log, from a text format or a JSON one. Values that a peer chose cannot break out of their place.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { StreamInfo } from '../stream-info.ts'
import { type CompiledPart, compileFormat, textOf } from './command-operators.ts'
import { asciiJson, byKey, jsonText, quoteJson } from './json-text.ts'
import type { LineBuffer } from './line-buffer.ts'

/** Appends the line. */
export type LineFormat = (info: StreamInfo, to: LineBuffer) => void

export type CompiledLine =
  | { readonly line: LineFormat; readonly needsRecord: boolean }
  | { readonly faults: readonly LineFault[] }

export interface LineFault {
  /** Below the format: `method.inner`, empty for a text format. */
  readonly path: string
  readonly message: string
}

/**
 * `omitEmpty` prints nothing in the place of `-`, as omit_empty_values has it. Without `escapes`, for what is no line,
 * values are written as they came.
 */
export function compileTextFormat(format: string, omitEmpty: boolean, escapes = true): CompiledLine {
  const compiled = compileFormat(format)
  if ('fault' in compiled) return { faults: [{ path: '', message: compiled.fault }] }
  const { parts, needsRecord } = compiled
  const empty = omitEmpty ? '' : '-'
  return { needsRecord, line: (info, to) => formatParts(parts, info, empty, escapes, to) }
}

function formatParts(
  parts: readonly CompiledPart[],
  info: StreamInfo,
  empty: string,
  escapes: boolean,
  to: LineBuffer,
): void {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    if (typeof part === 'string') {
      to.text(part)
      continue
    }
    const value = part(info)
    if (value === null) to.text(empty)
    else if (escapes && typeof value === 'string') to.escaped(value)
    // Numbers, and JSON, which escapes what would break out of it.
    else to.text(textOf(value))
  }
}

/** Envoy's rules: a value that is one operator alone keeps its type (number, null); anything around it makes it text. */
export function compileJsonFormat(format: JsonObject, omitEmpty: boolean): CompiledLine {
  const compiler = new JsonCompiler(omitEmpty)
  const compiled = compiler.object(format, '')
  const { faults, needsRecord } = compiler
  if (faults.length > 0) return { faults }
  return { needsRecord, line: (info, to) => to.text(`${compiled(info)}\n`) }
}

type JsonPiece = (info: StreamInfo) => string

class JsonCompiler {
  readonly faults: LineFault[] = []
  needsRecord = false
  readonly #omitEmpty: boolean

  constructor(omitEmpty: boolean) {
    this.#omitEmpty = omitEmpty
  }

  object(object: JsonObject, path: string): JsonPiece {
    const keys: string[] = []
    const values: JsonPiece[] = []
    for (const [key, value] of Object.entries(object).sort(byKey)) {
      keys.push(`${asciiJson(key)}:`)
      values.push(this.#value(value, path === '' ? key : `${path}.${key}`))
    }
    return info => `{${joinPieces(values, keys, info, this.#omitEmpty)}}`
  }

  #value(value: JsonValue, path: string): JsonPiece {
    if (typeof value === 'string') return this.#string(value, path)
    if (Array.isArray(value)) {
      const items = value.map((item, index) => this.#value(item, `${path}[${index}]`))
      const unnamed = items.map(() => '')
      return info => `[${joinPieces(items, unnamed, info, this.#omitEmpty)}]`
    }
    if (typeof value === 'object' && value !== null) return this.object(value, path)
    const constant = JSON.stringify(value)
    return () => constant
  }

  #string(format: string, path: string): JsonPiece {
    const compiled = compileFormat(format)
    if ('fault' in compiled) {
      this.faults.push({ path, message: compiled.fault })
      return () => ''
    }
    const { parts } = compiled
    this.needsRecord ||= compiled.needsRecord
    const [first] = parts
    if (parts.length === 1 && typeof first === 'function') return info => jsonText(first(info))
    const empty = this.#omitEmpty ? '' : '-'
    return info => quoteJson(joinRaw(parts, info, empty))
  }
}

/** Left out as empty are null and objects without a field, of objects and lists alike; lists never are (Envoy). */
function joinPieces(
  pieces: readonly JsonPiece[],
  names: readonly string[],
  info: StreamInfo,
  omitEmpty: boolean,
): string {
  let text = ''
  for (let i = 0; i < pieces.length; i++) {
    const value = pieces[i]!(info)
    if (omitEmpty && (value === 'null' || value === '{}')) continue
    text += text === '' ? names[i]! + value : `,${names[i]!}${value}`
  }
  return text
}

function joinRaw(parts: readonly CompiledPart[], info: StreamInfo, empty: string): string {
  let text = ''
  for (const part of parts) {
    const value = typeof part === 'string' ? part : part(info)
    text += value === null ? empty : textOf(value)
  }
  return text
}
