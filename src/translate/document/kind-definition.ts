// What a kind's folder gives to the registry beside it.
import type { ConfigKind, SpecByKind } from '../../model/config-object.ts'
import type { ObjectReader } from './object-reader.ts'

export interface ObjectContext {
  readonly namespace: string
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
}

export interface KindDefinition<K extends ConfigKind = ConfigKind> {
  readonly kind: K
  readonly apiVersions: readonly string[]
  /** Reads, defaults and validates `spec`. What it returns is used only if nothing was an error. */
  parseSpec(spec: ObjectReader, context: ObjectContext): SpecByKind[K]
}
