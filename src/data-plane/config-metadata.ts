// Metadata that config has for a resource, as command operators read it.
import type { JsonValue } from '@bufbuild/protobuf'
import { toByteString } from '../automata/regex.ts'
import type { Metadata } from '../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { MetadataSource, MetadataValue } from './stream-metadata.ts'

/** Null: there is none. */
export function configMetadata(metadata: Metadata | undefined): MetadataSource | null {
  const entries = Object.entries(metadata?.filterMetadata ?? {})
  if (entries.length === 0) return null
  return new ConfigMetadata(new Map(entries.map(([namespace, value]) => [namespace, bytesOf(value)])))
}

class ConfigMetadata implements MetadataSource {
  readonly #byNamespace: ReadonlyMap<string, MetadataValue>

  constructor(byNamespace: ReadonlyMap<string, MetadataValue>) {
    this.#byNamespace = byNamespace
  }

  metadataOf(namespace: string, key: string): MetadataValue | undefined {
    const all = this.allMetadata(namespace) as Readonly<Record<string, MetadataValue>> | null
    return all !== null && Object.hasOwn(all, key) ? all[key] : undefined
  }

  allMetadata(namespace: string): MetadataValue {
    return this.#byNamespace.get(namespace) ?? null
  }
}

/** A character for each byte, as all that logs tell. */
function bytesOf(value: JsonValue): MetadataValue {
  if (typeof value === 'string') return toByteString(value)
  if (Array.isArray(value)) return value.map(bytesOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [toByteString(key), bytesOf(inner)]))
}
