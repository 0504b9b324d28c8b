// JSON that is made while it is printed: a list of ten thousand is never there whole.
import type { JsonValue } from '@bufbuild/protobuf'

export class JsonParts {
  readonly brackets: '[]' | '{}'
  /** An element's name is empty. Read once. */
  readonly parts: Iterable<readonly [name: string, value: JsonSource]>

  constructor(brackets: JsonParts['brackets'], parts: JsonParts['parts']) {
    this.brackets = brackets
    this.parts = parts
  }
}

export type JsonSource = JsonValue | JsonParts

export function jsonObject(fields: Readonly<Record<string, JsonSource>>): JsonParts {
  return new JsonParts('{}', Object.entries(fields))
}

/** `make` is called for each when its turn comes. */
export function jsonList<T>(items: Iterable<T>, make: (item: T) => JsonSource): JsonParts {
  return new JsonParts('[]', elements(items, make))
}

function* elements<T>(items: Iterable<T>, make: (item: T) => JsonSource): Generator<readonly [string, JsonSource]> {
  for (const item of items) yield ['', make(item)]
}

/** The text that `JSON.stringify` makes of it with an indentation of one space, and a line's end, in parts. */
export function* jsonText(source: JsonSource): Generator<string> {
  yield* printed(source, '', '')
  yield '\n'
}

function* printed(source: JsonSource, before: string, indent: string): Generator<string> {
  if (!(source instanceof JsonParts)) {
    yield before + JSON.stringify(source, null, 1).replaceAll('\n', `\n${indent}`)
    return
  }
  const [open, close] = source.brackets
  let lead = before + open
  for (const [name, value] of source.parts) {
    const key = source.brackets === '{}' ? `${JSON.stringify(name)}: ` : ''
    yield* printed(value, `${lead}\n${indent} ${key}`, `${indent} `)
    lead = ','
  }
  yield lead === ',' ? `\n${indent}${close}` : lead + close
}
