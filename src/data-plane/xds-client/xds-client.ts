// The proxy's side of ADS: subscribes, applies, answers, reconnects, and remembers what was good.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { formatProblem, type Problem } from '../../base/problem.ts'
import type { Random } from '../../base/random.ts'
import type { Node } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { DeltaDiscoveryResponse, Resource } from '../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { durationMs } from '../../xds/resource-check.ts'
import { decodeResource, resourceKind, resourceName } from '../../xds/resource-message.ts'
import { type ResourceType, resourceTypeOf, SEND_ORDER, TYPE_URL } from '../../xds/type-url.ts'
import { Backoff } from '../backoff.ts'
import type { LoadReporter } from '../load-report/load-reporter.ts'
import type { StatsScope } from '../stats/stats-scope.ts'
import { AdsStream } from './ads-stream.ts'
import type { ControlPlaneCredentials } from './control-plane-channel.ts'
import type { LastGood } from './last-good.ts'
import type { Applied, ResourceApplier, VersionedResource } from './resource-applier.ts'
import { ResourceExpiry } from './resource-expiry.ts'
import { TypeState } from './type-state.ts'
import { createXdsStats, type XdsStats } from './xds-stats.ts'

export interface XdsClientOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly stats: StatsScope
  readonly node: Node
  /** `host:port` */
  readonly target: string
  /** Asked anew for each connection; null: plaintext, for tests. */
  credentials(): ControlPlaneCredentials | null
  readonly applier: ResourceApplier
  /** Null: nothing is kept. */
  readonly lastGood: LastGood | null
  /** Absent: what was counted is told to nobody. */
  readonly loadReporter?: LoadReporter
}

/** Types without names to ask by: the server decides what a proxy has. */
const WILDCARD: ReadonlySet<ResourceType> = new Set(['cluster', 'listener'])
const MAX_RESOURCES = 100_000
const RESOURCES_OF_A_PART = 50
/** A NACK that carries more than this helps nobody. */
const MAX_ERROR_CHARACTERS = 16_384
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5_000
/** How long a proxy that has config on disk waits for the control plane to confirm it, before it counts as ready. */
const CONTROL_PLANE_GRACE_MS = 1_000
/** A cluster taken away is used a moment longer: routes that still name it may be on their way out (make before break). */
const CLUSTER_REMOVAL_DELAY_MS = 1_000

export class XdsClient {
  readonly #options: XdsClientOptions
  readonly #types: ReadonlyMap<ResourceType, TypeState>
  readonly #expiries: ReadonlyMap<ResourceType, ResourceExpiry>
  readonly #stats: XdsStats
  readonly #backoff: Backoff
  /** Clusters taken away that are still in use. */
  readonly #leaving: ResourceExpiry
  /** What is being applied: a stream may end meanwhile, and the next one begins with what there is then. */
  #applying: Promise<unknown> = Promise.resolve()
  #stream: AdsStream | null = null
  #retry: Timer | null = null
  #graceTimer: Timer | null = null
  #stopped = false
  #initialised = new Set<ResourceType>()
  #whenInitialised: (() => void)[] = []

  constructor(options: XdsClientOptions) {
    this.#options = options
    this.#types = new Map(SEND_ORDER.map(type => [type, new TypeState(type, WILDCARD.has(type))]))
    const expiryOf = (type: ResourceType) => new ResourceExpiry(options.clock, () => void this.#expire(type))
    this.#expiries = new Map(SEND_ORDER.map(type => [type, expiryOf(type)]))
    this.#leaving = new ResourceExpiry(options.clock, () => void this.#removeLeaving())
    this.#stats = createXdsStats(options.stats)
    this.#backoff = new Backoff(FIRST_RETRY_MS, LAST_RETRY_MS, options.random)
  }

  /** Serves from the last good config, when there is one, and connects. Resolves when that config is in force. */
  async start(): Promise<void> {
    await this.#loadLastGood()
    this.#connect()
  }

  /** Clusters and listeners have come: from the control plane, or from disk and nobody has said otherwise for a second. */
  get isInitialised(): boolean {
    return this.#initialised.has('cluster') && this.#initialised.has('listener')
  }

  get isConnected(): boolean {
    return this.#stats.connected.value === 1
  }

  initialised(): Promise<void> {
    if (this.isInitialised) return Promise.resolve()
    return new Promise(resolve => this.#whenInitialised.push(resolve))
  }

  stop(): void {
    this.#stopped = true
    this.#retry?.cancel()
    this.#graceTimer?.cancel()
    for (const expiry of [this.#leaving, ...this.#expiries.values()]) expiry.close()
    this.#options.loadReporter?.close()
    this.#stream?.close()
    this.#options.lastGood?.flush()
  }

  async #loadLastGood(): Promise<void> {
    const { lastGood, log, clock } = this.#options
    if (!lastGood) return
    let total = 0
    for (const type of SEND_ORDER) {
      const stored = lastGood.load(type)
      if (stored.length === 0) continue
      const { problems } = await this.#apply(this.#types.get(type)!, stored, [])
      for (const problem of problems) log.warn('last good config refused', { problem: formatProblem(problem) })
      total += stored.length
    }
    if (total === 0) return
    log.info('serving from the last good config', { resources: total })
    // It may be stale: whoever waits for this proxy to be ready is told so once the control plane had its chance.
    this.#graceTimer = clock.setTimer(CONTROL_PLANE_GRACE_MS, () => {
      for (const type of SEND_ORDER) if (this.#types.get(type)!.held.size > 0) this.#markInitialised(type)
    })
  }

  #connect(): void {
    if (this.#stopped) return
    const { target, log } = this.#options
    log.debug('connecting to the control plane', { target })
    const stream = new AdsStream(target, this.#options.credentials(), {
      onResponse: (response, stream) => this.#onResponse(response, stream),
      onEnd: reason => this.#onEnd(reason),
    })
    this.#stream = stream
    this.#options.loadReporter?.open(() => stream.client)
    let node: Node | undefined = this.#options.node
    for (const type of SEND_ORDER) {
      const state = this.#types.get(type)!
      const wanted = this.#wanted(type)
      void this.#forget(type, state.letGo(wanted))
      const request = state.firstRequest(wanted)
      if (!request) continue
      // Only the first request of a stream says who asks.
      if (node) request.node = node
      node = undefined
      stream.send(request)
    }
  }

  #onEnd(reason: string): void {
    this.#stats.connected.value = 0
    this.#stream = null
    this.#options.loadReporter?.close()
    if (this.#stopped) return
    const delay = this.#backoff.next()
    this.#options.log.warn('no connection to the control plane', { why: reason, retryMs: Math.round(delay) })
    this.#retry = this.#options.clock.setTimer(delay, () => void this.#applying.then(() => this.#connect()))
  }

  async #onResponse(response: DeltaDiscoveryResponse, stream: AdsStream): Promise<void> {
    if (this.#stats.connected.value === 0)
      this.#options.log.info('connected to the control plane', { target: this.#options.target })
    this.#stats.connected.value = 1
    this.#backoff.reset()
    const type = resourceTypeOf(response.typeUrl)
    if (!type) return
    const state = this.#types.get(type)!
    this.#stats.types[type].attempt.value += 1
    const { problems, bound } = await this.#inTurn(() => this.#takeResponse(state, response))
    if (this.#stopped) return
    // Before the answer, as Envoy does: who has the answer to listeners knows which routes are still to come.
    this.#resubscribe()
    this.#markInitialised(type)
    // In turn: what a later response takes away an earlier one need not wait for. Other types do not wait for it.
    state.answered = Promise.all([bound, state.answered]).then(([unbound]) =>
      this.#answer(state, response.nonce, stream, [...problems, ...unbound]),
    )
  }

  /** It belongs to the stream that asked. */
  #answer(state: TypeState, nonce: string, stream: AdsStream, problems: readonly Problem[]): void {
    if (this.#stopped) return
    const stats = this.#stats.types[state.type]
    const errors = problems.filter(problem => problem.severity === 'error')
    ;(errors.length === 0 ? stats.success : stats.rejected).value += 1
    for (const problem of problems) this.#options.log.warn('config refused', { problem: formatProblem(problem) })
    stream.send(state.answer(nonce, errors.length === 0 ? null : describeProblems(errors)))
  }

  async #takeResponse(state: TypeState, response: DeltaDiscoveryResponse): Promise<Applied> {
    const { resources, removedResources } = response
    const count = Math.max(resources.length, removedResources.length)
    if (count > MAX_RESOURCES) return applied([refused(state.type, '', `${count} resources in one response`)])
    const twice = namedTwice([...resources.map(({ name }) => name), ...removedResources])
    // Nothing of it is taken (as in Envoy): what it means is anyone's guess.
    if (twice !== null) return applied([refused(state.type, twice, 'is named twice in one response')])
    const { heartbeats = [], changed = [] } = Object.groupBy(resources, resource =>
      state.isHeartbeat(resource) ? 'heartbeats' : 'changed',
    )
    for (const resource of heartbeats) this.#renew(state.type, resource)
    const taken = await this.#applyInParts(state, changed, removedResources)
    this.#options.lastGood?.save(state.type, state.held)
    return taken
  }

  /** A thousand clusters take a tenth of a second: traffic has its turn between. */
  async #applyInParts(state: TypeState, resources: readonly Resource[], removed: readonly string[]): Promise<Applied> {
    const { type } = state
    const returning = resources.filter(({ name }) => type === 'cluster' && this.#leaving.keep(name))
    // One listener may take over the address of another in the same response.
    const size = type === 'listener' ? resources.length : RESOURCES_OF_A_PART
    const problems: Problem[] = []
    const bound: Promise<readonly Problem[]>[] = []
    for (let from = 0, isLast = false; !isLast && !this.#stopped; from += size) {
      if (from > 0) await new Promise(setImmediate)
      isLast = from + size >= resources.length
      const wanted = resources.slice(from, from + size).filter(({ name }) => state.isSubscribed(name))
      const taken = await this.#apply(state, wanted, isLast ? removed : [])
      problems.push(...taken.problems)
      bound.push(taken.bound)
    }
    // What was refused is as gone as it was.
    for (const { name } of returning) if (!state.held.has(name)) this.#leaving.set(name, CLUSTER_REMOVAL_DELAY_MS)
    return { problems, bound: Promise.all(bound).then(all => all.flat()) }
  }

  /** As if the control plane had taken back what it has not renewed. */
  async #expire(type: ResourceType): Promise<void> {
    const state = this.#types.get(type)!
    await this.#inTurn(async () => {
      const ended = this.#expiries
        .get(type)!
        .take()
        .filter(name => state.held.has(name))
      if (ended.length === 0 || this.#stopped) return
      this.#options.log.warn('config has expired', { type, names: ended.join(' ') })
      await this.#apply(state, [], ended)
    })
    this.#resubscribe()
  }

  /** One after the other, each whole. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#applying.then(act)
    this.#applying = done.catch(() => {})
    return done
  }

  /** Whatever there is to apply, it must not stop the proxy: the config before stays in force. */
  async #apply(state: TypeState, resources: readonly Resource[], removed: readonly string[]): Promise<Applied> {
    try {
      return await this.#take(state, resources, removed)
    } catch (error) {
      const { stack, message } = error as Error
      this.#options.log.error('applying config failed', { type: state.type, why: stack })
      return applied([refused(state.type, '', `internal error: ${message}`)])
    }
  }

  /** Decodes and applies; what was accepted is held. */
  async #take(state: TypeState, resources: readonly Resource[], removed: readonly string[]): Promise<Applied> {
    const { type } = state
    const problems: Problem[] = []
    const good: VersionedResource[] = []
    const accepted: Resource[] = []
    for (const resource of resources) {
      const message = readResource(type, resource, problems)
      if (!message) continue
      good.push(message)
      accepted.push(resource)
    }
    // What is asked for by name goes when nothing names it any more: what does keeps what it had (as in Envoy).
    const now = type === 'listener' ? removed : []
    const taken = await this.#options.applier.apply(type, good, now)
    problems.push(...taken.problems)
    const bad = refusedObjects(problems)
    for (const resource of accepted) {
      if (bad.has(`${resourceKind(type)} ${resource.name}`)) continue
      state.hold(resource, resource.resource!.value)
      this.#renew(type, resource)
    }
    for (const name of removed) {
      state.held.delete(name)
      if (type === 'cluster') this.#leaving.set(name, CLUSTER_REMOVAL_DELAY_MS)
    }
    return { problems, bound: taken.bound }
  }

  #renew(type: ResourceType, { name, ttl }: Resource): void {
    const expiry = this.#expiries.get(type)!
    if (ttl === undefined) expiry.keep(name)
    else expiry.set(name, durationMs(ttl, 0))
  }

  /** Not in the middle of a response: it may bring the routes that let go of them. */
  async #removeLeaving(): Promise<void> {
    await this.#inTurn(() => this.#forget('cluster', this.#leaving.take()))
    this.#resubscribe()
  }

  async #forget(type: ResourceType, names: readonly string[]): Promise<void> {
    if (names.length === 0 || this.#stopped) return
    try {
      await this.#options.applier.apply(type, [], names)
    } catch (error) {
      this.#options.log.error('removing config failed', { type, names: names.join(' '), why: (error as Error).stack })
    }
  }

  /** What was applied decides what else is wanted: clusters name endpoints, listeners name routes. */
  #resubscribe(): void {
    const stream = this.#stream
    if (!stream || this.#stopped) return
    for (const type of SEND_ORDER) {
      const state = this.#types.get(type)!
      const request = state.resubscribe(this.#wanted(type))
      if (!request) continue
      stream.send(request)
      // Nobody tells of the end of what is not asked for any more.
      void this.#forget(type, request.resourceNamesUnsubscribe)
      this.#options.lastGood?.save(type, state.held)
    }
  }

  #wanted(type: ResourceType): readonly string[] {
    return type === 'cluster' || type === 'listener' ? [] : this.#options.applier.wanted(type)
  }

  #markInitialised(type: ResourceType): void {
    this.#initialised.add(type)
    if (!this.isInitialised) return
    for (const resolve of this.#whenInitialised) resolve()
    this.#whenInitialised = []
  }
}

function readResource(type: ResourceType, resource: Resource, problems: Problem[]): VersionedResource | null {
  const { name, version } = resource
  const fail = (message: string): null => {
    problems.push(refused(type, name, message))
    return null
  }
  if (resource.resource?.typeUrl !== TYPE_URL[type]) return fail(`is a ${resource.resource?.typeUrl || 'nothing'}`)
  try {
    const message = decodeResource(type, resource.resource.value)
    if (resourceName(message) !== name) return fail(`names itself ${resourceName(message)}`)
    return { name, version, message }
  } catch (error) {
    return fail(`cannot be decoded: ${(error as Error).message}`)
  }
}

function refused(type: ResourceType, name: string, message: string): Problem {
  return { code: 'WEFT-4102', severity: 'error', object: `${resourceKind(type)} ${name}`.trim(), message }
}

/** A port that is taken does not make a listener bad: it is kept, and bound when the port is free. */
function refusedObjects(problems: readonly Problem[]): ReadonlySet<string | undefined> {
  return new Set(problems.filter(({ severity }) => severity === 'error').map(({ object }) => object))
}

function namedTwice(names: readonly string[]): string | null {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) return name
    seen.add(name)
  }
  return null
}

function applied(problems: readonly Problem[]): Applied {
  return { problems, bound: Promise.resolve([]) }
}

function describeProblems(problems: readonly Problem[]): string {
  const text = problems.map(formatProblem).join('\n')
  return text.length > MAX_ERROR_CHARACTERS ? `${text.slice(0, MAX_ERROR_CHARACTERS)}...` : text
}
