// What the global RateLimits of a mesh allow, by descriptor: values that are named before those that stand for any.
import { type TokenBucketConfig, tokenBucketConfig } from '../../base/token-bucket.ts'
import type { ConfigObject } from '../../model/config-object.ts'
import type { RateLimitRule, RateUnit, RequestRate } from '../../model/rate-limit.ts'
import { objectsOf } from '../../translate/link/precedence.ts'
import { type RateLimitEntry, rateLimitEntries } from '../../translate/link/rate-limits.ts'

export interface GlobalLimit {
  /** `namespace/name/rule`, with the override's place. */
  readonly name: string
  readonly rate: RequestRate
  readonly bucket: TokenBucketConfig
}

interface RuleLimits {
  /** The names of its entries: others are not its. */
  readonly keys: readonly string[]
  readonly limit: GlobalLimit | null
  /** By the values, joined; null: no limit. */
  readonly overrides: ReadonlyMap<string, GlobalLimit | null>
}

export const UNIT_MS: Readonly<Record<RateUnit, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

export class LimitTable {
  /** By the value of the first entry, which names the rule. */
  readonly #rules = new Map<string, RuleLimits>()

  constructor(objects: readonly ConfigObject[]) {
    for (const object of objectsOf(objects, 'RateLimit')) {
      if (object.spec.scope !== 'global') continue
      for (const rule of object.spec.rules) {
        const [name, ...keys] = rateLimitEntries(object, rule, [])
        this.#rules.set(name!.value, ruleLimits(name!.value, keys, rule))
      }
    }
  }

  /** Null where nothing is limited. */
  find(entries: readonly RateLimitEntry[]): GlobalLimit | null {
    const [first, ...rest] = entries
    const rule = first?.key === 'rule' ? this.#rules.get(first.value) : undefined
    if (rule === undefined || rule.keys.length !== rest.length) return null
    if (rest.some((entry, index) => entry.key !== rule.keys[index])) return null
    const override = rule.overrides.get(joined(rest.map(entry => entry.value)))
    return override === undefined ? rule.limit : override
  }
}

function ruleLimits(name: string, keys: readonly RateLimitEntry[], rule: RateLimitRule): RuleLimits {
  const overrides = rule.overrides.map(
    ({ values, limit }, index) => [joined(values), limit && globalLimit(`${name}/${index}`, limit)] as const,
  )
  return {
    keys: keys.map(({ key }) => key),
    limit: rule.limit && globalLimit(name, rule.limit),
    overrides: new Map(overrides),
  }
}

function globalLimit(name: string, rate: RequestRate): GlobalLimit {
  return { name, rate, bucket: tokenBucketConfig(rate.burst, rate.requests, UNIT_MS[rate.per]) }
}

function joined(values: readonly string[]): string {
  return values.join('\n')
}
