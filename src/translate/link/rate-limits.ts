// Which rate limits hold for a workload: all that select it add up.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { RateLimitKey, RateLimitRule } from '../../model/rate-limit.ts'
import { type Labels, selects } from './label-selector.ts'

type Limit = ConfigObjectOf<'RateLimit'>

export class RateLimits {
  /** In order of precedence. */
  readonly all: readonly Limit[]
  readonly #rootNamespace: string

  constructor(all: readonly Limit[], rootNamespace: string) {
    this.all = all
    this.#rootNamespace = rootNamespace
  }

  /** Those of the root namespace select in every namespace. */
  of(namespace: string, labels: Labels): readonly Limit[] {
    return this.all.filter(
      limit =>
        (limit.namespace === namespace || limit.namespace === this.#rootNamespace) &&
        selects(limit.spec.selector ?? {}, labels),
    )
  }
}

/** An entry of a descriptor; without a value it stands for any. */
export interface RateLimitEntry {
  readonly key: string
  readonly value: string
}

/** What is limited, as proxies and the rate limit service call it; `values` for the rule's keys, in their order. */
export function rateLimitEntries(
  { namespace, name }: Limit,
  rule: RateLimitRule,
  values: readonly string[],
): readonly RateLimitEntry[] {
  return [
    { key: 'rule', value: `${namespace}/${name}/${rule.name}` },
    ...rule.by.map((key, index) => ({ key: rateLimitKeyName(key), value: values[index] ?? '' })),
  ]
}

export function rateLimitKeyName(key: RateLimitKey): string {
  if (key.kind === 'header') return key.name
  if (key.kind === 'claim') return `claim[${key.path.join('][')}]`
  return key.network ? 'masked_remote_address' : 'remote_address'
}

/** By which the rate limit service knows a request of this mesh's RateLimits. */
export const RATE_LIMIT_DOMAIN = 'weft'
