// One line of the access log, from a text format or a JSON one. Values that a peer chose cannot break out of their place.
import { isUtf8 } from 'node:buffer'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { toByteString } from '../../automata/regex.ts'
import type { StreamInfo } from '../stream-info.ts'
import { type CompiledPart, compileFormat, type Operator } from './command-operators.ts'
import type { LineBuffer } from './line-buffer.ts'

/** Appends the line. */
export type LineFormat = (info: StreamInfo, to: LineBuffer) => void

export type CompiledLine = { readonly line: LineFormat } | { readonly faults: readonly LineFault[] }

export interface LineFault {
  /** Below the format: `method.inner`, empty for a text format. */
  readonly path: string
  readonly message: string
}

/** `omitEmpty` prints nothing in the place of `-`, as omit_empty_values has it. */
export function compileTextFormat(format: string, omitEmpty: boolean): CompiledLine {
  const compiled = compileFormat(format)
  if ('fault' in compiled) return { faults: [{ path: '', message: compiled.fault }] }
  const { parts } = compiled
  const empty = omitEmpty ? '' : '-'
  return { line: (info, to) => formatParts(parts, info, empty, to) }
}

function formatParts(parts: readonly CompiledPart[], info: StreamInfo, empty: string, to: LineBuffer): void {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    if (typeof part === 'string') {
      to.text(part)
      continue
    }
    const value = part(info)
    if (value === null) to.text(empty)
    else if (typeof value === 'number') to.text(String(value))
    else to.escaped(value)
  }
}

/** Envoy's rules: a value that is one operator alone keeps its type (number, null); anything around it makes it text. */
export function compileJsonFormat(format: JsonObject, omitEmpty: boolean): CompiledLine {
  const faults: LineFault[] = []
  const compiled = compileObject(format, '', faults, omitEmpty)
  if (faults.length > 0) return { faults }
  return { line: (info, to) => to.text(`${compiled(info)}\n`) }
}

type JsonPiece = (info: StreamInfo) => string

function compileObject(object: JsonObject, path: string, faults: LineFault[], omitEmpty: boolean): JsonPiece {
  const keys: string[] = []
  const values: JsonPiece[] = []
  for (const [key, value] of Object.entries(object)) {
    keys.push(`${asciiJson(key)}:`)
    values.push(compileValue(value, path === '' ? key : `${path}.${key}`, faults, omitEmpty))
  }
  return info => {
    let text = '{'
    for (let i = 0; i < keys.length; i++) {
      const value = values[i]!(info)
      if (omitEmpty && value === 'null') continue
      if (text.length > 1) text += ','
      text += keys[i]! + value
    }
    return `${text}}`
  }
}

function compileValue(value: JsonValue, path: string, faults: LineFault[], omitEmpty: boolean): JsonPiece {
  if (typeof value === 'string') return compileString(value, path, faults, omitEmpty)
  if (Array.isArray(value)) {
    const items = value.map((item, index) => compileValue(item, `${path}[${index}]`, faults, omitEmpty))
    return info => `[${items.map(item => item(info)).join(',')}]`
  }
  if (typeof value === 'object' && value !== null) return compileObject(value, path, faults, omitEmpty)
  const constant = JSON.stringify(value)
  return () => constant
}

function compileString(format: string, path: string, faults: LineFault[], omitEmpty: boolean): JsonPiece {
  const compiled = compileFormat(format)
  if ('fault' in compiled) {
    faults.push({ path, message: compiled.fault })
    return () => ''
  }
  const { parts } = compiled
  const [first] = parts
  if (parts.length === 1 && typeof first === 'function') return info => quoteOperator(first, info)
  const empty = omitEmpty ? '' : '-'
  return info => quoteJson(joinRaw(parts, info, empty))
}

function joinRaw(parts: readonly CompiledPart[], info: StreamInfo, empty: string): string {
  let text = ''
  for (const part of parts) text += typeof part === 'string' ? part : (part(info) ?? empty)
  return text
}

function quoteOperator(operator: Operator, info: StreamInfo): string {
  const value = operator(info)
  return value === null ? 'null' : typeof value === 'number' ? String(value) : quoteJson(value)
}

/** `bytes` has one character for each byte; the JSON is ASCII. */
function quoteJson(bytes: string): string {
  for (let i = 0; i < bytes.length; i++) {
    const unit = bytes.charCodeAt(i)
    if (unit < 32 || unit > 126 || unit === 34 || unit === 92) {
      const raw = Buffer.from(bytes, 'latin1')
      // What is no UTF-8 is written byte by byte, as Envoy has it: nothing is lost.
      return asciiJson(isUtf8(raw) ? raw.toString('utf8') : bytes)
    }
  }
  return `"${bytes}"`
}

function asciiJson(text: string): string {
  const json = JSON.stringify(text)
  return toByteString(json) === json ? json : json.replace(/[^\x20-\x7e]/g, escapeUnit)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
