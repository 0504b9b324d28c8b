// What filters say of a stream to those after them: Envoy's dynamic metadata.

/** Of a protobuf Struct; texts and keys have a character for each byte, as all that the wire brings. */
export type MetadataValue =
  | string
  | number
  | boolean
  | null
  | readonly MetadataValue[]
  | { readonly [key: string]: MetadataValue }

/** One thing said, and what was said before it. */
export interface StreamMetadata {
  readonly namespace: string
  readonly key: string
  readonly value: MetadataValue
  readonly before: StreamMetadata | null
}

export interface MetadataSource {
  /** The last word under this key; undefined when there was none. */
  metadataOf(namespace: string, key: string): MetadataValue | undefined
  /** All that was said below a namespace; null when nothing was. */
  allMetadata(namespace: string): MetadataValue
}

/** A place in metadata: a filter's namespace, and one key at least. */
export class MetadataPath {
  readonly #namespace: string
  readonly #first: string
  readonly #rest: readonly string[]

  constructor(namespace: string, [first = '', ...rest]: readonly string[]) {
    this.#namespace = namespace
    this.#first = first
    this.#rest = rest
  }

  valueIn(source: MetadataSource): MetadataValue | undefined {
    let value = source.metadataOf(this.#namespace, this.#first)
    for (let i = 0; i < this.#rest.length; i++) {
      if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined
      const key = this.#rest[i]!
      // Keys are a client's: `constructor` among them.
      value = Object.hasOwn(value, key) ? (value as Readonly<Record<string, MetadataValue>>)[key] : undefined
    }
    return value
  }
}
