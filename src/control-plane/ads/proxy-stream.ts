// One ADS stream, whichever protocol it speaks: brings what the client holds to what its snapshot says, in an order in
// which nothing that is used is ever missing. Knows nothing of gRPC.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { type ResourceType, SEND_ORDER } from '../../xds/type-url.ts'
import type { ProxySnapshot } from '../snapshot/resource-set.ts'
import { type ProxyStatus, SHORT_NAME } from '../status/proxy-status.ts'
import type { Protocol, ResponseCache } from './discovery-response.ts'
import { Subscription, type SubscriptionPlan } from './subscription.ts'

export interface ProxyStreamParts {
  readonly protocol: Protocol
  readonly clock: Clock
  readonly log: Log
  readonly cache: ResponseCache
  readonly status: ProxyStatus
  /** Writes one response. False: the connection takes no more until `drained` is called. */
  readonly write: (response: Buffer) => boolean
  readonly onPush: (type: ResourceType) => void
  readonly onReject: (type: ResourceType) => void
}

/** A request of either protocol, as far as answers go. */
export interface Answer {
  readonly nonce: string
  /** Null: accepted. */
  readonly error: string | null
}

interface TypeState {
  readonly subscription: Subscription
  /** Of the last response sent; empty before the first. */
  nonce: string
  inFlight: SubscriptionPlan | null
  rejected: boolean
}

/**
 * Listeners and routes wait until clusters and endpoints are acknowledged: Envoy holds its acknowledgement of clusters
 * back until they are warm, for exactly this (ClusterManagerImpl::updateClusterCounts). A client that never answers
 * waits no longer than this.
 */
const MAX_HOLD_MS = 5000
const HELD_TYPES: readonly ResourceType[] = ['listener', 'route']
/** What may go only when nothing refers to it any more. */
const LINGERING_TYPES: readonly ResourceType[] = ['cluster', 'endpoint']

export class ProxyStream {
  readonly #parts: ProxyStreamParts
  readonly #types = new Map<ResourceType, TypeState>()
  #snapshot: ProxySnapshot
  #hold: Timer | null = null
  #holdOver = false
  #blocked = false

  constructor(parts: ProxyStreamParts, snapshot: ProxySnapshot) {
    this.#parts = parts
    this.#snapshot = snapshot
  }

  /** The subscription of a type, and whether it is new on this stream. */
  subscription(type: ResourceType): { readonly subscription: Subscription; readonly isNew: boolean } {
    const known = this.#types.get(type)
    if (known) return { subscription: known.subscription, isNew: false }
    const subscription = new Subscription(type, this.#parts.protocol)
    this.#types.set(type, { subscription, nonce: '', inFlight: null, rejected: false })
    return { subscription, isNew: true }
  }

  /** True when a nonce belongs to the last response of the type, or to none. */
  isCurrent(type: ResourceType, nonce: string): boolean {
    return nonce === '' || this.#types.get(type)?.nonce === nonce
  }

  /** Takes the client's word on the response in flight; an answer to an older one is ignored. */
  answer(type: ResourceType, { nonce, error }: Answer): void {
    const state = this.#types.get(type)
    if (state?.inFlight == null || nonce !== state.nonce) return
    const { status, clock, log } = this.#parts
    if (error === null) {
      state.rejected = false
      status.acknowledged(type, clock.wallNow())
    } else {
      state.rejected = true
      state.subscription.refused(state.inFlight)
      status.refused(type, error, clock.wallNow())
      this.#parts.onReject(type)
      log.warn('proxy refused a response', { proxy: status.identity.id, type: SHORT_NAME[type], why: error })
    }
    state.inFlight = null
  }

  /** The mesh has a new generation. */
  update(snapshot: ProxySnapshot): void {
    this.#snapshot = snapshot
    this.#endHold()
    this.pump()
  }

  /** The connection takes responses again. */
  drained(): void {
    this.#blocked = false
    this.pump()
  }

  close(): void {
    this.#endHold()
    this.#types.clear()
  }

  /** Sends whatever may be sent now. */
  pump(): void {
    let pending = false
    for (const type of SEND_ORDER) {
      const state = this.#types.get(type)
      if (state === undefined) continue
      if (state.inFlight !== null) {
        pending = true
        continue
      }
      const plan = this.#planOf(type, state)
      if (plan === null) continue
      pending = true
      if (this.#blocked || this.#mustWait(type)) continue
      this.#send(state, plan)
    }
    if (!pending) this.#settle()
  }

  #planOf(type: ResourceType, state: TypeState): SubscriptionPlan | null {
    const keepRemoved = LINGERING_TYPES.includes(type) && HELD_TYPES.some(user => this.#isUnsettled(user))
    return state.subscription.plan(this.#snapshot.sets[type], keepRemoved)
  }

  /** The client may still be using what an earlier generation told it about this type. */
  #isUnsettled(type: ResourceType): boolean {
    const state = this.#types.get(type)
    if (state === undefined) return false
    return (
      state.inFlight !== null || state.rejected || state.subscription.plan(this.#snapshot.sets[type], false) !== null
    )
  }

  #mustWait(type: ResourceType): boolean {
    if (this.#holdOver || !HELD_TYPES.includes(type)) return false
    const waits = LINGERING_TYPES.some(needed => this.#types.get(needed)?.inFlight != null) || this.#awaitsEndpoints()
    if (waits && this.#hold === null) {
      this.#hold = this.#parts.clock.setTimer(MAX_HOLD_MS, () => {
        this.#holdOver = true
        this.pump()
      })
    }
    return waits
  }

  /** New clusters are with the client, but it has not yet asked for the endpoints of all of them. */
  #awaitsEndpoints(): boolean {
    const clusters = this.#types.get('cluster')?.subscription
    const endpoints = this.#types.get('endpoint')?.subscription
    if (!clusters?.wildcard || endpoints === undefined) return false
    for (const name of this.#snapshot.sets.endpoint.resources.keys()) if (!endpoints.holds(name)) return true
    return false
  }

  #send(state: TypeState, plan: SubscriptionPlan): void {
    const { type } = state.subscription
    const { protocol, cache, status, clock } = this.#parts
    const response = cache.encode(protocol, { type, resources: plan.resources, removed: plan.removed }, state.nonce)
    if (type === 'cluster') this.#resendEndpoints(state.subscription, plan)
    state.subscription.sent(plan)
    state.nonce = response.nonce
    state.inFlight = plan
    status.sent(type, response.version, response.nonce, clock.wallNow(), this.#snapshot.revision)
    this.#parts.onPush(type)
    if (!this.#parts.write(response.bytes)) this.#blocked = true
  }

  #resendEndpoints(clusters: Subscription, plan: SubscriptionPlan): void {
    const replaced = plan.resources.filter(({ name, version, endpoints }) => {
      const before = clusters.heldVersion(name)
      return endpoints !== '' && before !== undefined && before !== version
    })
    this.#types.get('endpoint')?.subscription.resend(replaced.map(cluster => cluster.endpoints))
  }

  #settle(): void {
    this.#endHold()
    const { status, clock } = this.#parts
    for (const type of this.#types.keys()) status.upToDate(type, this.#snapshot.sets[type].version, clock.wallNow())
    status.settled(this.#snapshot.revision)
  }

  #endHold(): void {
    this.#hold?.cancel()
    this.#hold = null
    this.#holdOver = false
  }
}
