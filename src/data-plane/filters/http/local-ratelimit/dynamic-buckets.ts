// Buckets made as they are needed: one for each value that stands in the place of a descriptor's wildcard.
import { hash } from 'node:crypto'
import { LruMap } from '../../../../base/lru-map.ts'
import { FULL } from '../../../../base/token-bucket.ts'
import type { ProcessLimits } from '../../../process-limits/process-limits.ts'
import { Bucket } from './bucket.ts'
import type { NamedBucketConfig } from './named-bucket.ts'

/** Clients choose the values, and what is kept of each must not be theirs to choose. */
const MAX_KEY_LENGTH = 256

export interface WildcardDescriptor {
  /** What stands before, between and after the values, as `withEntry` writes a descriptor. */
  readonly pieces: readonly string[]
  readonly bucket: NamedBucketConfig
}

export class DynamicBuckets {
  readonly #limits: ProcessLimits
  readonly #pieces: readonly string[]
  readonly #config: NamedBucketConfig
  /** A value that is forgotten begins anew with a full bucket (Envoy); of several event loops, when all have forgotten it. */
  readonly #buckets: LruMap<Bucket>

  constructor({ pieces, bucket }: WildcardDescriptor, capacity: number, limits: ProcessLimits) {
    this.#limits = limits
    this.#pieces = pieces
    this.#config = bucket
    this.#buckets = new LruMap(capacity)
  }

  /** The bucket of the values of `descriptor`; null when it is none of this kind. */
  find(descriptor: string): Bucket | null {
    if (!this.#matches(descriptor)) return null
    const key = descriptor.length > MAX_KEY_LENGTH ? hash('sha256', descriptor, 'base64') : descriptor
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      bucket = new Bucket(this.#config, this.#limits.cell(key, FULL))
      this.#buckets.set(key, bucket)?.release()
    }
    return bucket
  }

  #matches(descriptor: string): boolean {
    const pieces = this.#pieces
    let at = 0
    for (let i = 0; i < pieces.length; i++) {
      // A value reaches to the end of its entry; each piece but the first begins with that.
      if (i > 0) at = descriptor.indexOf('\r', at)
      if (at < 0 || !descriptor.startsWith(pieces[i]!, at)) return false
      at += pieces[i]!.length
    }
    return at === descriptor.length
  }
}
