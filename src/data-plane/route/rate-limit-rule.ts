// Route.rate_limits: which descriptors of a request the rate limits of a filter are asked for.

import { maskedAddress } from '../../base/masked-address.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import type { MetadataPath, MetadataSource } from '../stream-metadata.ts'
import { withoutControl } from './control-character.ts'
import type { Criterion } from './criterion.ts'
import { headValue } from './head-value.ts'

/** What actions look at. */
export interface RateLimitedStream {
  readonly request: RequestHead
  readonly remoteIp: string
  readonly info: MetadataSource
  clusterChoice(): { readonly cluster: string } | null
}

export interface DescriptorAction {
  /**
   * The descriptor with this action's entry added; null when there is no such descriptor for the request. `ownCluster`:
   * the proxy's own service.
   */
  extend(descriptor: string, stream: RateLimitedStream, ownCluster: string): string | null
}

/** A descriptor is one text, so that it can be looked up: no value holds the separators. */
export function withEntry(descriptor: string, key: string, value: string): string {
  return `${descriptor}${key}\n${value}\r`
}

export class RateLimitRule {
  readonly stage: number
  readonly #actions: readonly DescriptorAction[]

  constructor(stage: number, actions: readonly DescriptorAction[]) {
    this.stage = stage
    this.#actions = actions
  }

  /** Null when one of the actions has nothing to say of the request. */
  descriptorOf(stream: RateLimitedStream, ownCluster: string): string | null {
    let descriptor = ''
    for (let i = 0; i < this.#actions.length; i++) {
      const extended = this.#actions[i]!.extend(descriptor, stream, ownCluster)
      if (extended === null) return null
      descriptor = extended
    }
    // Actions that were all skipped describe nothing.
    return descriptor === '' ? null : descriptor
  }
}

export class GenericKey implements DescriptorAction {
  readonly #key: string
  readonly #value: string

  constructor(key: string, value: string) {
    this.#key = key
    this.#value = value
  }

  extend(descriptor: string): string {
    return withEntry(descriptor, this.#key, this.#value)
  }
}

export class RequestHeaderValue implements DescriptorAction {
  readonly #header: string
  readonly #key: string
  readonly #skipIfAbsent: boolean

  constructor(header: string, key: string, skipIfAbsent: boolean) {
    this.#header = header
    this.#key = key
    this.#skipIfAbsent = skipIfAbsent
  }

  extend(descriptor: string, { request }: RateLimitedStream): string | null {
    const value = headValue(request, this.#header)
    if (value === undefined) return this.#skipIfAbsent ? descriptor : null
    return withEntry(descriptor, this.#key, value)
  }
}

export class RemoteAddress implements DescriptorAction {
  extend(descriptor: string, { remoteIp }: RateLimitedStream): string {
    return withEntry(descriptor, 'remote_address', remoteIp)
  }
}

export class MaskedRemoteAddress implements DescriptorAction {
  readonly #v4Bits: number
  readonly #v6Bits: number

  constructor(v4Bits: number, v6Bits: number) {
    this.#v4Bits = v4Bits
    this.#v6Bits = v6Bits
  }

  extend(descriptor: string, { remoteIp }: RateLimitedStream): string {
    return withEntry(descriptor, 'masked_remote_address', maskedAddress(remoteIp, this.#v4Bits, this.#v6Bits))
  }
}

export class SourceCluster implements DescriptorAction {
  extend(descriptor: string, _stream: RateLimitedStream, ownCluster: string): string {
    return withEntry(descriptor, 'source_cluster', ownCluster)
  }
}

/** Of what filters before this one said of the stream. */
export class DynamicMetadataValue implements DescriptorAction {
  readonly #path: MetadataPath
  readonly #key: string
  readonly #fallback: string
  readonly #skipIfAbsent: boolean

  constructor(path: MetadataPath, key: string, fallback: string, skipIfAbsent: boolean) {
    this.#path = path
    this.#key = key
    this.#fallback = fallback
    this.#skipIfAbsent = skipIfAbsent
  }

  extend(descriptor: string, { info }: RateLimitedStream): string | null {
    const found = this.#path.valueIn(info)
    // What is no text counts for nothing (Envoy). What a client's token says may hold what separates entries.
    const value = (typeof found === 'string' && withoutControl(found)) || this.#fallback
    if (value === '') return this.#skipIfAbsent ? descriptor : null
    return withEntry(descriptor, this.#key, value)
  }
}

export class DestinationCluster implements DescriptorAction {
  extend(descriptor: string, stream: RateLimitedStream): string | null {
    const choice = stream.clusterChoice()
    return choice === null ? null : withEntry(descriptor, 'destination_cluster', choice.cluster)
  }
}

/** Of headers, or of query parameters. */
export class ValueMatch implements DescriptorAction {
  readonly #criteria: readonly Criterion[]
  readonly #expected: boolean
  readonly #key: string
  readonly #value: string

  constructor(criteria: readonly Criterion[], expected: boolean, key: string, value: string) {
    this.#criteria = criteria
    this.#expected = expected
    this.#key = key
    this.#value = value
  }

  extend(descriptor: string, { request }: RateLimitedStream): string | null {
    let all = true
    for (let i = 0; all && i < this.#criteria.length; i++) all = this.#criteria[i]!.test(request)
    return all === this.#expected ? withEntry(descriptor, this.#key, this.#value) : null
  }
}
