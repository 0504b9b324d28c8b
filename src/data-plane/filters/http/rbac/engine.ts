// A set of policies and what it does with a request that one of them is about.

import type { LocalReply } from '../../../http/local-reply.ts'
import type { Counter } from '../../../stats/stats-scope.ts'
import type { FilterStream } from '../contract/http-filter.ts'
import type { Rule } from './rule.ts'

/** `log` turns nobody away: it says in the metadata that the access log should look. */
export type RbacAction = 'allow' | 'deny' | 'log'

export interface Policy {
  readonly name: string
  readonly permissions: Rule
  readonly principals: Rule
  /** Envoy's details name the policy. */
  readonly denial: LocalReply
  /** With track_per_rule_stats. */
  readonly allowed: Counter | null
  readonly denied: Counter | null
}

export class Engine {
  readonly action: RbacAction
  readonly #policies: readonly Policy[]

  constructor(action: RbacAction, policies: readonly Policy[]) {
    this.action = action
    this.#policies = policies
  }

  /** The first that is about the request, in the order of their names; null when none is. */
  find(stream: FilterStream): Policy | null {
    for (let i = 0; i < this.#policies.length; i++) {
      const policy = this.#policies[i]!
      if (policy.permissions.matches(stream) && policy.principals.matches(stream)) return policy
    }
    return null
  }

  allows(found: Policy | null): boolean {
    if (this.action === 'log') return true
    return (found !== null) === (this.action === 'allow')
  }
}
