// Walks one object of a document field by field. What is asked for is known; what was never asked for is an error.
import type { SourcePosition } from '../../base/problem.ts'
import { parseDuration } from './duration.ts'
import { nearestName } from './nearest-name.ts'
import type { FieldPlace, ProblemSink } from './problem-sink.ts'
import type { MapNode, YamlNode } from './yaml-node.ts'

export interface ValueNode extends FieldPlace {
  readonly node: YamlNode
}

export class ObjectReader implements FieldPlace {
  readonly path: string
  readonly position: SourcePosition
  readonly sink: ProblemSink
  readonly #node: MapNode
  readonly #known = new Set<string>()

  constructor(node: MapNode, path: string, sink: ProblemSink, position = node.position) {
    this.#node = node
    this.path = path
    this.position = position
    this.sink = sink
  }

  /** The field's value, or undefined when absent or null (as protobuf's JSON has it). */
  value(name: string): ValueNode | undefined {
    this.#known.add(name)
    const entry = this.#node.entries.get(name)
    if (!entry || (entry.value.kind === 'scalar' && entry.value.value === null)) return undefined
    return { node: entry.value, path: this.#pathOf(name), position: entry.value.position }
  }

  /** Of the fields that are there. */
  get names(): readonly string[] {
    return [...this.#node.entries.keys()]
  }

  has(name: string): boolean {
    return this.value(name) !== undefined
  }

  /** Where a field stands, or would stand. */
  place(name: string): FieldPlace {
    return { path: this.#pathOf(name), position: this.#node.entries.get(name)?.keyPosition ?? this.position }
  }

  string(name: string): string | undefined {
    const value = this.value(name)
    return value && stringOf(value, this.sink)
  }

  /** Empty counts as missing. */
  requiredString(name: string): string {
    const value = this.string(name)
    if ((value === undefined || value === '') && !this.#hasWrongType(name, 'string')) this.missing(name)
    return value ?? ''
  }

  integer(name: string, min: number, max: number): number | undefined {
    const value = this.value(name)
    return value && integerOf(value, min, max, this.sink)
  }

  number(name: string, min: number, max: number): number | undefined {
    const value = this.value(name)
    if (value?.node.kind === 'scalar' && typeof value.node.value === 'number') {
      if (value.node.value >= min && value.node.value <= max) return value.node.value
      const bounds = max === Number.MAX_VALUE ? `at least ${min}` : `between ${min} and ${max}`
      this.sink.badValue(value, `${value.node.value} is not ${bounds}`)
    } else if (value) wrongType(value, 'a number', this.sink)
    return undefined
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name)
    if (!value) return undefined
    if (value.node.kind === 'scalar' && typeof value.node.value === 'boolean') return value.node.value
    wrongType(value, 'true or false', this.sink)
    return undefined
  }

  /** Milliseconds. */
  duration(name: string, minimumMs: number): number | undefined {
    const value = this.value(name)
    if (value?.node.kind === 'scalar' && typeof value.node.value === 'number') {
      wrongType(value, 'a duration', this.sink, `write the unit: "${value.node.value}s" or "${value.node.value}ms"`)
      return undefined
    }
    const text = this.string(name)
    if (text === undefined) return undefined
    const milliseconds = parseDuration(text)
    if (milliseconds === null) {
      this.sink.badValue(this.#valuePlace(name), `"${text}" is not a duration`, 'write for example "1.5s" or "250ms"')
      return undefined
    }
    if (milliseconds < minimumMs || milliseconds % 1 !== 0) {
      this.sink.badValue(
        this.#valuePlace(name),
        `"${text}" must be at least ${minimumMs || 1}ms, in whole milliseconds`,
      )
      return undefined
    }
    return milliseconds
  }

  /** `unsupported` are values that Istio has and Weft does not honour yet. */
  enumeration<T extends string>(
    name: string,
    values: readonly T[],
    unsupported: readonly string[] = [],
  ): T | undefined {
    const text = this.string(name)
    if (text === undefined) return undefined
    if ((values as readonly string[]).includes(text)) return text as T
    const place = this.#valuePlace(name)
    if (unsupported.includes(text)) {
      this.sink.unsupported(place, `the value ${text}`)
      return undefined
    }
    const near = nearestName(text, [...values, ...unsupported])
    const message = `"${text}" is not one of ${values.join(', ')}`
    this.sink.badValue(place, message, near && `did you mean "${near}"?`)
    return undefined
  }

  object(name: string): ObjectReader | undefined {
    const value = this.value(name)
    return value && objectOf(value, this.sink)
  }

  list(name: string): readonly ValueNode[] {
    const value = this.value(name)
    if (!value) return []
    if (value.node.kind !== 'list') {
      wrongType(value, 'a list', this.sink)
      return []
    }
    return value.node.items.map((node, index) => ({ node, path: `${value.path}[${index}]`, position: node.position }))
  }

  objectList(name: string): readonly ObjectReader[] {
    return this.list(name).flatMap(item => objectOf(item, this.sink) ?? [])
  }

  stringList(name: string): readonly { readonly value: string; readonly place: FieldPlace }[] {
    return this.list(name).flatMap(item => {
      const value = stringOf(item, this.sink)
      return value === undefined ? [] : [{ value, place: item }]
    })
  }

  /** Entries of a map whose keys are the user's own. */
  entries(name: string): readonly (readonly [key: string, value: ValueNode])[] {
    const value = this.value(name)
    if (!value) return []
    if (value.node.kind !== 'map') {
      wrongType(value, 'a map', this.sink)
      return []
    }
    return [...value.node.entries].map(([key, entry]) => [
      key,
      { node: entry.value, path: mapPath(value.path, key), position: entry.keyPosition },
    ])
  }

  stringMap(name: string): Readonly<Record<string, string>> {
    const result: [string, string][] = []
    for (const [key, value] of this.entries(name)) {
      const text = stringOf(value, this.sink)
      if (text !== undefined) result.push([key, text])
    }
    return recordOf(result)
  }

  missing(name: string): void {
    this.sink.error('WEFT-1006', this.place(name), `${name} is missing`)
  }

  /** Fields that the API has and Weft does not honour yet: refused by name, where they are set. */
  unsupported(...names: readonly string[]): void {
    for (const name of names) if (this.has(name)) this.sink.unsupported(this.place(name), name)
  }

  /** Fields that mean nothing here and are allowed (status, managedFields). */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#known.add(name)
  }

  /** Reports every field that was never asked for. Call last. */
  done(): void {
    for (const [name, entry] of this.#node.entries) {
      if (this.#known.has(name)) continue
      const near = nearestName(name, this.#known)
      const place = { path: this.#pathOf(name), position: entry.keyPosition }
      this.sink.error('WEFT-1003', place, 'unknown field', near && `did you mean "${near}"?`)
    }
  }

  #pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  #valuePlace(name: string): FieldPlace {
    return { path: this.#pathOf(name), position: this.#node.entries.get(name)?.value.position ?? this.position }
  }

  #hasWrongType(name: string, type: string): boolean {
    const node = this.value(name)?.node
    return node !== undefined && (node.kind !== 'scalar' || typeof node.value !== type)
  }
}

function mapPath(path: string, key: string): string {
  return /^[\w-]+$/.test(key) ? `${path}.${key}` : `${path}["${key}"]`
}

/** An own property per key, whatever it is called: keys are the user's, `__proto__` among them. */
export function recordOf<V>(entries: readonly (readonly [string, V])[]): Readonly<Record<string, V>> {
  return Object.fromEntries(entries)
}

export function wrongType(value: ValueNode, expected: string, sink: ProblemSink, hint?: string): void {
  const found = value.node.kind === 'scalar' ? describe(value.node.value) : `a ${value.node.kind}`
  sink.error('WEFT-1004', value, `must be ${expected}, not ${found}`, hint)
}

function describe(value: string | number | boolean | null): string {
  if (value === null) return 'empty'
  return typeof value === 'string' ? `the text "${value.slice(0, 40)}"` : `the ${typeof value} ${value}`
}

export function stringOf(value: ValueNode, sink: ProblemSink): string | undefined {
  if (value.node.kind === 'scalar' && typeof value.node.value === 'string') return value.node.value
  const quotable = value.node.kind === 'scalar' && value.node.value !== null
  wrongType(value, 'text', sink, quotable ? 'put it in quotes' : undefined)
  return undefined
}

export function integerOf(value: ValueNode, min: number, max: number, sink: ProblemSink): number | undefined {
  const node = value.node
  if (node.kind !== 'scalar' || typeof node.value !== 'number' || !Number.isInteger(node.value)) {
    wrongType(value, 'a whole number', sink)
    return undefined
  }
  if (node.value < min || node.value > max) {
    sink.badValue(value, `${node.value} is not between ${min} and ${max}`)
    return undefined
  }
  return node.value
}

export function objectOf(value: ValueNode, sink: ProblemSink): ObjectReader | undefined {
  if (value.node.kind === 'map') return new ObjectReader(value.node, value.path, sink, value.position)
  wrongType(value, 'an object', sink)
  return undefined
}
