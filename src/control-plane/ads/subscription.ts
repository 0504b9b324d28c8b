// What one stream has asked for of one type, what it holds, and what it therefore still has to be sent.
import type { ResourceType } from '../../xds/type-url.ts'
import type { EncodedResource, ResourceSet } from '../snapshot/resource-set.ts'
import { changedNames } from '../snapshot/set-difference.ts'
import type { Protocol } from './discovery-response.ts'

export interface SubscriptionPlan {
  /** To go into the response. */
  readonly resources: readonly EncodedResource[]
  /** Delta: to be named as gone. */
  readonly removed: readonly string[]
  /** Names that the client no longer holds once it has taken the response. */
  readonly dropped: readonly string[]
}

/** A state of the world response of these types is the whole state: what is missing in it is gone (xDS protocol). */
const WHOLE_STATE = new Set<ResourceType>(['cluster', 'listener'])
const NO_BYTES = new Uint8Array(0)

/** As many as a Weft proxy takes in one response: what it holds it must be able to name when it comes back. */
export const MAX_NAMES = 100_000
export const MAX_NAME_LENGTH = 1024

export class Subscription {
  readonly type: ResourceType
  readonly #protocol: Protocol
  readonly #names = new Set<string>()
  #wildcard = false
  #everNamed = false
  readonly #held = new Map<string, EncodedResource>()
  /** Delta: names asked for since the last response, which want an answer even if there is nothing by that name. */
  readonly #unanswered = new Set<string>()
  /** Names in responses that the client refused: sent again along with the next change. */
  readonly #rejected = new Set<string>()
  readonly #repeated = new Set<string>()
  #mustAnswer = false
  /** The set that the client's holdings were last found to agree with; null: not known. */
  #agreed: ResourceSet | null = null
  #planned: { set: ResourceSet; keepRemoved: boolean; plan: SubscriptionPlan | null } | null = null

  constructor(type: ResourceType, protocol: Protocol) {
    this.type = type
    this.#protocol = protocol
  }

  get wildcard(): boolean {
    return this.#wildcard
  }

  /** State of the world: `names` is the whole list from now on. */
  replaceNames(names: readonly string[]): void {
    const wanted = new Set(names)
    const first = !this.#everNamed && !this.#wildcard
    const legacyWildcard = names.length === 0 && !this.#everNamed && WHOLE_STATE.has(this.type)
    this.#wildcard = wanted.delete('*') || legacyWildcard
    this.#everNamed ||= names.length > 0
    this.#names.clear()
    for (const name of wanted) this.#names.add(name)
    if (first && this.#wildcard) this.#mustAnswer = true
    if (!this.#wildcard) this.#forget(name => !this.#names.has(name))
    this.#disagree()
  }

  /** Delta: the first request of a type; `initial` are the versions that the client holds from an earlier stream. */
  begin(subscribe: readonly string[], initial: Readonly<Record<string, string>>): void {
    for (const [name, version] of Object.entries(initial))
      this.#held.set(name, { name, version, any: NO_BYTES, endpoints: '' })
    if (subscribe.length === 0 && WHOLE_STATE.has(this.type)) this.#wildcard = true
    this.adjust(subscribe, [])
    this.#mustAnswer ||= this.#wildcard
    // A name that the client holds in the present version needs no answer.
    for (const name of Object.keys(initial)) this.#unanswered.delete(name)
  }

  /** Delta. A name subscribed to again is sent again, for the client may have dropped it. */
  adjust(subscribe: readonly string[], unsubscribe: readonly string[]): void {
    for (const name of subscribe) {
      if (name === '*') this.#wildcard = true
      else {
        this.#names.add(name)
        this.#unanswered.add(name)
      }
    }
    const left = new Set(unsubscribe)
    for (const name of left) {
      if (name === '*') this.#wildcard = false
      this.#names.delete(name)
      this.#unanswered.delete(name)
    }
    if (left.has('*')) this.#forget(name => !this.#names.has(name))
    else if (left.size > 0) this.#forget(name => left.has(name))
    this.#disagree()
  }

  get size(): number {
    return this.#names.size
  }

  /** The version of a name that the client holds; undefined: none. */
  heldVersion(name: string): string | undefined {
    return this.#held.get(name)?.version
  }

  /** Whether the client holds some version of it. */
  holds(name: string): boolean {
    return this.#held.has(name)
  }

  /**
   * What is to be sent for the client to hold what `set` has for it; null: nothing. With `keepRemoved` resources that
   * are gone from the set stay with the client for now, because something that it holds may still refer to them.
   */
  plan(set: ResourceSet, keepRemoved: boolean): SubscriptionPlan | null {
    if (this.#planned?.set === set && this.#planned.keepRemoved === keepRemoved) return this.#planned.plan
    const plan = this.#makePlan(set, keepRemoved)
    // What lingers is still to go: only a plan without it says that nothing is left to do.
    if (plan === null && !keepRemoved) this.#agreed = set
    this.#planned = { set, keepRemoved, plan }
    return plan
  }

  sent(plan: SubscriptionPlan): void {
    const planned = this.#planned
    for (const resource of plan.resources) this.#held.set(resource.name, resource)
    for (const name of plan.dropped) this.#held.delete(name)
    this.#mustAnswer = false
    this.#unanswered.clear()
    this.#rejected.clear()
    this.#repeated.clear()
    this.#disagree()
    if (planned?.plan === plan && !planned.keepRemoved) this.#agreed = planned.set
  }

  /**
   * To be sent with the next response even if unchanged: a cluster that is replaced warms anew and waits for its
   * endpoints (Istio's warmingDependencies).
   */
  resend(names: Iterable<string>): void {
    for (const name of names) if (this.#held.has(name)) this.#repeated.add(name)
    this.#disagree()
  }

  /** The client refused these; they are not sent again before something changes. */
  refused(plan: SubscriptionPlan): void {
    for (const { name } of plan.resources) this.#rejected.add(name)
    this.#disagree()
  }

  #disagree(): void {
    this.#planned = null
    this.#agreed = null
  }

  /**
   * Most generations change little for most streams: where the client is known to agree with an earlier set, only the
   * names that differ since are looked at.
   */
  #candidates(set: ResourceSet): Iterable<string> {
    if (this.#agreed === null || this.#mustAnswer || this.#unanswered.size > 0 || this.#repeated.size > 0)
      return new Set([
        ...(this.#wildcard ? set.resources.keys() : this.#names),
        ...this.#held.keys(),
        ...this.#unanswered,
      ])
    return changedNames(this.#agreed, set)
  }

  #makePlan(set: ResourceSet, keepRemoved: boolean): SubscriptionPlan | null {
    const changed: EncodedResource[] = []
    const removed: string[] = []
    for (const name of this.#candidates(set)) {
      const resource = this.#wanted(set, name)
      const held = this.#held.get(name)
      const asked = this.#unanswered.has(name)
      if (resource) {
        if (held?.version !== resource.version || asked || this.#repeated.has(name)) changed.push(resource)
      } else if (held ? !keepRemoved : asked) removed.push(name)
    }
    if (changed.length === 0 && !this.#removalMatters(removed) && !this.#mustAnswer) return null
    if (this.#protocol === 'delta')
      return { resources: [...changed, ...this.#rejectedBesides(set, changed)], removed, dropped: removed }
    if (!WHOLE_STATE.has(this.type))
      return { resources: [...changed, ...this.#rejectedBesides(set, changed)], removed: [], dropped: removed }
    return { resources: this.#wholeState(set, keepRemoved), removed: [], dropped: removed }
  }

  #wholeState(set: ResourceSet, keepRemoved: boolean): readonly EncodedResource[] {
    const whole = new Map<string, EncodedResource>()
    for (const name of this.#wildcard ? set.resources.keys() : this.#names) {
      const resource = set.resources.get(name)
      if (resource) whole.set(name, resource)
    }
    if (keepRemoved) for (const [name, resource] of this.#held) if (!whole.has(name)) whole.set(name, resource)
    return [...whole.values()]
  }

  /** A delta client that refused a response took none of it: what was good in it comes again with the next one. */
  #rejectedBesides(set: ResourceSet, changed: readonly EncodedResource[]): readonly EncodedResource[] {
    if (changed.length === 0 || this.#rejected.size === 0) return []
    const again = [...this.#rejected].map(name => this.#wanted(set, name))
    return again.filter(resource => resource !== undefined && !changed.includes(resource)) as EncodedResource[]
  }

  /** State of the world cannot say that a route configuration or an endpoint assignment is gone. */
  #removalMatters(removed: readonly string[]): boolean {
    return removed.length > 0 && (this.#protocol === 'delta' || WHOLE_STATE.has(this.type))
  }

  #wanted(set: ResourceSet, name: string): EncodedResource | undefined {
    return this.#wildcard || this.#names.has(name) ? set.resources.get(name) : undefined
  }

  #forget(gone: (name: string) => boolean): void {
    for (const name of this.#held.keys()) if (gone(name)) this.#held.delete(name)
  }
}
