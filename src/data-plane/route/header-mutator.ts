// Headers added, set and removed by a route, its virtual host and its route configuration: compiled once, applied per stream.
import { toByteString } from '../../automata/regex.ts'
import { addHeader, getHeader, type HeaderList, removeHeader, setHeader } from '../../transport/header-list.ts'
import { OPERATOR_NAMES } from '../../xds/command-operator-table.ts'
import {
  HeaderValueOption_HeaderAppendAction as Append,
  type HeaderValueOption,
  HeaderValueOptionSchema,
} from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { type CompiledPart, compileHeaderFormat, textOf } from '../access-log/command-operators.ts'
import type { StreamInfo } from '../stream-info.ts'
import type { MetadataValue } from '../stream-metadata.ts'
import { hasControl, withoutControl } from './control-character.ts'
import type { HeaderMutations } from './route-entry.ts'

/** What one of the levels says. */
export interface MutationLevel {
  readonly remove: readonly string[]
  readonly add: readonly Addition[]
}

export interface Addition {
  readonly name: string
  readonly parts: readonly CompiledPart[]
  readonly action: Append
  readonly keepEmpty: boolean
}

export const NO_MUTATIONS: HeaderMutations = { apply: () => {}, authority: null }

/** Applies the levels one after the other; within each, removals come first and additions last, as Envoy's HeaderParser. */
export function createMutations(levels: readonly MutationLevel[]): HeaderMutations {
  const effective = levels.filter(level => level.remove.length > 0 || level.add.length > 0)
  return effective.length === 0 ? NO_MUTATIONS : new LevelledMutations(effective)
}

class LevelledMutations implements HeaderMutations {
  readonly authority = null
  readonly #levels: readonly MutationLevel[]
  /** Values of the level under way; null leaves its addition out. Streams are never mutated two at a time. */
  readonly #values: (string | null)[] = []

  constructor(levels: readonly MutationLevel[]) {
    this.#levels = levels
  }

  apply(headers: HeaderList, info: StreamInfo): void {
    for (let i = 0; i < this.#levels.length; i++) this.#applyLevel(this.#levels[i]!, headers, info)
  }

  #applyLevel(level: MutationLevel, headers: HeaderList, info: StreamInfo): void {
    const { remove, add } = level
    for (let i = 0; i < remove.length; i++) removeHeader(headers, remove[i]!)
    // Every value is read before any is written, and overwriting comes before appending.
    for (let i = 0; i < add.length; i++) this.#values[i] = computeValue(add[i]!, headers, info)
    for (let i = 0; i < add.length; i++) {
      const value = this.#values[i]!
      if (value !== null && overwrites(add[i]!)) setHeader(headers, add[i]!.name, value)
    }
    for (let i = 0; i < add.length; i++) {
      const value = this.#values[i]!
      if (value !== null && !overwrites(add[i]!)) addHeader(headers, add[i]!.name, value)
    }
  }
}

function overwrites(addition: Addition): boolean {
  return addition.action === Append.OVERWRITE_IF_EXISTS_OR_ADD || addition.action === Append.OVERWRITE_IF_EXISTS
}

function computeValue(addition: Addition, headers: HeaderList, info: StreamInfo): string | null {
  const { parts, action } = addition
  if (action === Append.ADD_IF_ABSENT && getHeader(headers, addition.name) !== undefined) return null
  if (action === Append.OVERWRITE_IF_EXISTS && getHeader(headers, addition.name) === undefined) return null
  let value = ''
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    value += typeof part === 'string' ? part : fieldText(part(info))
  }
  return value === '' && !addition.keepEmpty ? null : value
}

/** What a TLS hello or a certificate says may hold line ends; in a field they would begin another one. */
function fieldText(value: MetadataValue): string {
  return value === null ? '' : withoutControl(textOf(value))
}

/** host_rewrite_header: the new authority is read where the mutations end, and kept until the next stream's. */
export class HostFromHeader implements HeaderMutations {
  authority: string | null = null
  readonly #inner: HeaderMutations
  readonly #name: string

  constructor(inner: HeaderMutations, name: string) {
    this.#inner = inner
    this.#name = name.toLowerCase()
  }

  apply(headers: HeaderList, info: StreamInfo): void {
    this.#inner.apply(headers, info)
    const value = getHeader(headers, this.#name)
    this.authority = value === undefined || value === '' ? null : value
  }
}

const OPTION_FIELDS = new Set(['header', 'append', 'append_action', 'keep_empty_value'])
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const MAX_ADDITIONS = 1000
/** Envoy's bounds on what it is configured with. */
const MAX_VALUE = 16_384

/** `prefix` is `request_headers` or `response_headers`: the fields are `<prefix>_to_add` and `<prefix>_to_remove` below `path`. */
export function compileLevel(
  toAdd: readonly HeaderValueOption[],
  toRemove: readonly string[],
  path: string,
  prefix: string,
  check: ResourceCheck,
): MutationLevel {
  if (toAdd.length > MAX_ADDITIONS) check.error(`${path}${prefix}_to_add`, `more than ${MAX_ADDITIONS} headers`)
  const remove = toRemove.map((name, index) => {
    checkName(name, `${path}${prefix}_to_remove[${index}]`, check)
    return name.toLowerCase()
  })
  const add = toAdd.map((option, index) => compileAddition(option, `${path}${prefix}_to_add[${index}]`, check))
  return { remove, add }
}

export function compileAddition(option: HeaderValueOption, path: string, check: ResourceCheck): Addition {
  check.honour(HeaderValueOptionSchema, option, path, OPTION_FIELDS)
  const { header } = option
  checkName(header?.key ?? '', `${path}.header.key`, check)
  const raw = header !== undefined && header.rawValue.length > 0
  const text = raw ? Buffer.from(header.rawValue).toString('utf8') : (header?.value ?? '')
  if (text.length > MAX_VALUE) check.error(`${path}.header.value`, `is longer than ${MAX_VALUE} characters`)
  if (option.append !== undefined && option.appendAction !== Append.APPEND_IF_EXISTS_OR_ADD)
    check.error(`${path}.append_action`, 'excludes append')
  if (hasControl(text)) check.error(`${path}.header.value`, 'must not hold control characters')
  const compiled = compileHeaderFormat(text)
  if ('fault' in compiled)
    check.error(`${path}.header.value`, compiled.fault, 'WEFT-4004', `there are ${OPERATOR_NAMES.join(', ')}`)
  // The deprecated `append: false` means to overwrite.
  const action = option.append === false ? Append.OVERWRITE_IF_EXISTS_OR_ADD : option.appendAction
  return {
    name: toByteString(header?.key.toLowerCase() ?? ''),
    parts: 'fault' in compiled ? [] : compiled.parts,
    action,
    keepEmpty: option.keepEmptyValue,
  }
}

/** A route that could set these could make one message end where another begins (RFC 9112, 6). */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'connection', 'upgrade'])

export function checkName(name: string, path: string, check: ResourceCheck): void {
  if (name.startsWith(':') || name.toLowerCase() === 'host')
    check.error(path, ':-prefixed or host headers may not be modified')
  else if (!TOKEN.test(name)) check.error(path, `${JSON.stringify(name)} is no header name`)
  else if (FRAMING.has(name.toLowerCase()))
    check.error(path, `${name} says where a message ends: it belongs to the codec and may not be modified`)
}
