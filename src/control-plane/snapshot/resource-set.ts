// Encoded resources of one type: named, versioned by content, made once and shared by all proxies that get the same.
import type { ResourceType } from '../../xds/type-url.ts'

export interface EncodedResource {
  readonly name: string
  /** Begins the SHA-256 of its content: equal content, equal version, whenever it was made. */
  readonly version: string
  /** The encoded google.protobuf.Any. */
  readonly any: Uint8Array
  /** Of a cluster: the endpoint assignment that it waits for before it is used; empty: none. */
  readonly endpoints: string
}

export interface ResourceSet {
  readonly type: ResourceType
  /** Begins the SHA-256 of all names and versions. */
  readonly version: string
  readonly resources: ReadonlyMap<string, EncodedResource>
}

/** All that one proxy is to know, consistent in itself. */
export interface ProxySnapshot {
  /** Counts the generations of the mesh's config since the process began. */
  readonly generation: number
  /** Head of the config store that it was made from. */
  readonly revision: number
  readonly sets: Readonly<Record<ResourceType, ResourceSet>>
}
