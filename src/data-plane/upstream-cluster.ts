// A cluster as logs tell of it.
import type { MetadataSource } from './stream-metadata.ts'

export interface UpstreamCluster {
  readonly name: string
  /** What its stats are counted under, where that is another name. */
  readonly statName?: string
  /** Of its config; absent: it has none. */
  readonly metadata?: MetadataSource | null
}
