// What the xDS client hands its resources to: the proxy, or a test.
import type { Problem } from '../../base/problem.ts'
import type { ResourceMessage } from '../../xds/resource-message.ts'
import type { ResourceType } from '../../xds/type-url.ts'

export interface VersionedResource {
  readonly name: string
  readonly version: string
  readonly message: ResourceMessage
}

export interface Applied {
  /** What was refused, with every reason; a problem's `object` is `Kind name` of its resource. */
  readonly problems: readonly Problem[]
  /** Resolves when clients may connect to each listener that has become active by it; what could not be bound is a problem. */
  readonly bound: Promise<readonly Problem[]>
}

export interface ResourceApplier {
  /** Takes the good ones. */
  apply(type: ResourceType, resources: readonly VersionedResource[], removed: readonly string[]): Promise<Applied>
  /** Names wanted of the types that are not wildcards: they follow from what has been applied. */
  wanted(type: 'endpoint' | 'route' | 'secret'): readonly string[]
}
