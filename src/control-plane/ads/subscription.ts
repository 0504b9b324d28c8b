// What one stream has asked for of one type, what it holds, and what it therefore still has to be sent.
import type { ResourceType } from '../../xds/type-url.ts'
import type { EncodedResource, ResourceSet } from '../snapshot/resource-set.ts'
import type { Protocol } from './discovery-response.ts'

export interface SubscriptionPlan {
  /** To go into the response. */
  readonly resources: readonly EncodedResource[]
  /** Delta: to be named as gone. */
  readonly removed: readonly string[]
  /** What the client holds once it has taken the response. */
  readonly held: ReadonlyMap<string, EncodedResource>
}

/** A state of the world response of these types is the whole state: what is missing in it is gone (xDS protocol). */
const WHOLE_STATE = new Set<ResourceType>(['cluster', 'listener'])
const NO_BYTES = new Uint8Array(0)

export const MAX_NAMES = 20_000
export const MAX_NAME_LENGTH = 1024

export class Subscription {
  readonly type: ResourceType
  readonly #protocol: Protocol
  readonly #names = new Set<string>()
  #wildcard = false
  #everNamed = false
  #held: ReadonlyMap<string, EncodedResource> = new Map()
  /** Delta: names asked for since the last response, which want an answer even if there is nothing by that name. */
  readonly #unanswered = new Set<string>()
  /** Names in responses that the client refused: sent again along with the next change. */
  readonly #rejected = new Set<string>()
  readonly #repeated = new Set<string>()
  #mustAnswer = false
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
    this.#planned = null
  }

  /** Delta: the first request of a type; `initial` are the versions that the client holds from an earlier stream. */
  begin(subscribe: readonly string[], initial: Readonly<Record<string, string>>): void {
    this.#held = new Map(
      Object.entries(initial).map(([name, version]) => [name, { name, version, any: NO_BYTES, endpoints: '' }]),
    )
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
    this.#planned = null
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
    this.#planned = { set, keepRemoved, plan }
    return plan
  }

  sent(plan: SubscriptionPlan): void {
    this.#held = plan.held
    this.#mustAnswer = false
    this.#unanswered.clear()
    this.#rejected.clear()
    this.#repeated.clear()
    this.#planned = null
  }

  /**
   * To be sent with the next response even if unchanged: a cluster that is replaced warms anew and waits for its
   * endpoints (Istio's warmingDependencies).
   */
  resend(names: Iterable<string>): void {
    for (const name of names) if (this.#held.has(name)) this.#repeated.add(name)
    this.#planned = null
  }

  /** The client refused these; they are not sent again before something changes. */
  refused(plan: SubscriptionPlan): void {
    for (const { name } of plan.resources) this.#rejected.add(name)
    this.#planned = null
  }

  #makePlan(set: ResourceSet, keepRemoved: boolean): SubscriptionPlan | null {
    const held = new Map<string, EncodedResource>()
    const changed: EncodedResource[] = []
    let rejectedToo: EncodedResource[] = []
    for (const resource of this.#wanted(set)) {
      held.set(resource.name, resource)
      const isNew = this.#held.get(resource.name)?.version !== resource.version
      if (isNew || this.#unanswered.has(resource.name) || this.#repeated.has(resource.name)) changed.push(resource)
      else if (this.#rejected.has(resource.name)) rejectedToo.push(resource)
    }
    const removed: string[] = []
    for (const [name, resource] of this.#held) {
      if (held.has(name)) continue
      if (keepRemoved) held.set(name, resource)
      else removed.push(name)
    }
    for (const name of this.#unanswered) if (!held.has(name) && !this.#held.has(name)) removed.push(name)
    if (changed.length === 0 && !this.#removalMatters(removed) && !this.#mustAnswer) return null
    if (this.#protocol === 'sotw' && WHOLE_STATE.has(this.type))
      return { resources: [...held.values()], removed: [], held }
    if (changed.length === 0) rejectedToo = []
    const reported = this.#protocol === 'delta' ? removed : []
    return { resources: [...changed, ...rejectedToo], removed: reported, held }
  }

  /** State of the world cannot say that a route configuration or an endpoint assignment is gone. */
  #removalMatters(removed: readonly string[]): boolean {
    return removed.length > 0 && (this.#protocol === 'delta' || WHOLE_STATE.has(this.type))
  }

  *#wanted(set: ResourceSet): Iterable<EncodedResource> {
    if (this.#wildcard) {
      yield* set.resources.values()
      return
    }
    for (const name of this.#names) {
      const resource = set.resources.get(name)
      if (resource) yield resource
    }
  }

  #forget(gone: (name: string) => boolean): void {
    this.#held = new Map([...this.#held].filter(([name]) => !gone(name)))
  }
}
