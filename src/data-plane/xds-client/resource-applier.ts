// What the xDS client hands its resources to: the proxy, or a test.
import type { Problem } from '../../base/problem.ts'
import type { ResourceMessage } from '../../xds/resource-message.ts'
import type { ResourceType } from '../../xds/type-url.ts'

export interface VersionedResource {
  readonly name: string
  readonly version: string
  readonly message: ResourceMessage
}

export interface ResourceApplier {
  /**
   * Takes the good ones, refuses the bad ones with every reason; a problem's `object` is `Kind name` of its resource.
   * Resolves when listeners have tried to bind.
   */
  apply(
    type: ResourceType,
    resources: readonly VersionedResource[],
    removed: readonly string[],
  ): Promise<readonly Problem[]>
  /** Names wanted of the types that are not wildcards: they follow from what has been applied. */
  wanted(type: 'endpoint' | 'route' | 'secret'): readonly string[]
}
