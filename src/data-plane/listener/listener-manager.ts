// Every listener of the proxy: compiled aside, warmed until what it refers to has arrived, then swapped in place.
import { equals } from '@bufbuild/protobuf'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Problem } from '../../base/problem.ts'
import type { Random } from '../../base/random.ts'
import { DUAL_STACK, type Network } from '../../transport/net/network.ts'
import { type Listener, ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import type { NetworkFilterHost } from '../filters/network/contract/network-filter.ts'
import { isInternal } from '../internal-listener/internal-network.ts'
import type { SecretStore } from '../transport-socket/secret-store.ts'
import type { TlsMaterial } from '../transport-socket/tls-context.ts'
import { type CompiledListener, compileListener } from './compiled-listener.ts'
import { ConnectionAcceptor, DownstreamConnections } from './connection-acceptor.ts'
import type { FilterChain } from './filter-chain.ts'
import { createListenerManagerStats, type ListenerManagerStats } from './listener-manager-stats.ts'
import { createListenerStats } from './listener-stats.ts'
import { ListeningSocket } from './listening-socket.ts'
import type { NetworkFilterRegistry } from './network-filters.ts'

export interface ListenerManagerHost {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly network: Network
  readonly filterHost: NetworkFilterHost
  readonly secrets: SecretStore
  readonly networkFilters: NetworkFilterRegistry
  /** How long connections of a chain that was removed may go on; Istio's drain duration is 45 s. */
  readonly drainTimeMs: number
  /** Of the whole proxy. */
  readonly maxConnections: number
  /** No cluster waits for the first checks of its endpoints; `resourcesArrived` is called when it comes true. */
  areClustersChecked(): boolean
}

export interface ListenerStatus {
  readonly name: string
  readonly address: string
  /** The port bound; 0 while not. */
  readonly port: number
  readonly state: 'active' | 'warming' | 'failed'
  /** Why it could not be bound; empty otherwise. */
  readonly failure: string
  readonly message: Listener
}

/** What one name stands for: the version that serves, and the one that waits to. */
interface Entry {
  active: { readonly listener: CompiledListener; readonly socket: ListeningSocket } | null
  warming: { readonly listener: CompiledListener; readonly deadline: Timer } | null
}

/** Of the drain time: then connections that nobody has used are told to go, too, rather than cut at its end. */
const LAST_CALL = 0.9

/** Envoy's initial_fetch_timeout: after it a listener serves with what it has. */
export const WARMING_TIMEOUT_MS = 15_000

export class ListenerManager {
  readonly #host: ListenerManagerHost
  readonly #entries = new Map<string, Entry>()
  readonly #sockets = new Set<ListeningSocket>()
  /** Those that nobody has asked about since they were made. */
  readonly #unheard = new Set<ListeningSocket>()
  readonly #acceptor: ConnectionAcceptor
  readonly #connections: DownstreamConnections
  readonly #stats: ListenerManagerStats
  /** Chains no longer reachable whose connections live on. */
  readonly #draining = new Map<FilterChain, Timer>()
  /** Only the first listeners wait for clusters (Envoy): a later cluster is no concern of the listeners that change. */
  #clustersWereChecked = false
  #connectionId = 0
  #stopping = false
  #sendsAway = false

  constructor(host: ListenerManagerHost) {
    this.#host = host
    this.#connections = new DownstreamConnections(host.maxConnections, host.filterHost.limits)
    this.#stats = createListenerManagerStats(host.filterHost.stats)
    const { clock, log } = host
    this.#acceptor = new ConnectionAcceptor({
      clock,
      log,
      stats: host.filterHost.stats,
      connections: this.#connections,
      overload: host.filterHost.overload,
      nextConnectionId: () => ++this.#connectionId,
    })
    host.secrets.onChange(() => this.resourcesArrived())
  }

  /** Takes every listener that compiles; one that does not leaves its predecessor in force, with every reason reported. */
  update(messages: readonly Listener[], removed: readonly string[]): Problem[] {
    const problems: Problem[] = []
    for (const name of removed) this.#remove(name)
    for (const message of messages) problems.push(...this.#updateOne(message))
    this.resourcesArrived()
    return problems
  }

  /** What has been delivered since may be what a listener waits for. */
  resourcesArrived(): void {
    if (this.#stopping) return
    const warming = [...this.#entries.values()].filter(entry => entry.warming)
    // Before there is a listener there may be no cluster yet.
    if (warming.length > 0) this.#clustersWereChecked ||= this.#host.areClustersChecked()
    for (const entry of warming) {
      if (entry.warming && this.#isWarm(entry.warming.listener)) this.#activate(entry)
    }
    this.#closeUnusedSockets()
    this.#updateGauges()
  }

  /** The route configurations to subscribe to by RDS. */
  routeNames(): string[] {
    const names = new Set<string>()
    for (const listener of this.#compiled()) {
      for (const chain of chainsOf(listener)) for (const name of chain.filter.routeConfigurations) names.add(name)
    }
    return [...names].sort()
  }

  /** The secrets that listeners name. */
  secretNames(): string[] {
    const names = new Set<string>()
    for (const listener of this.#compiled()) {
      for (const chain of chainsOf(listener)) for (const name of chain.tls?.secretNames ?? []) names.add(name)
    }
    return [...names].sort()
  }

  /** Of every TLS context. */
  *tlsMaterials(): Generator<TlsMaterial> {
    for (const listener of this.#compiled())
      for (const { tls } of chainsOf(listener)) if (tls !== null) yield tls.material
  }

  status(): ListenerStatus[] {
    const found: ListenerStatus[] = []
    for (const [name, { active, warming }] of this.#entries) {
      const listener = active?.listener ?? warming?.listener
      if (!listener) continue
      const failure = active?.socket.failure ?? ''
      const state = active?.socket.isBound ? 'active' : failure ? 'failed' : 'warming'
      const { address, message } = listener
      found.push({
        name,
        address: shown(address),
        port: active?.socket.boundPort ?? 0,
        state,
        failure,
        message,
      })
    }
    return found
  }

  /** True when no listener waits for resources, or for its port from anyone but a predecessor. */
  get ready(): boolean {
    return [...this.#entries.values()].every(({ active, warming }) => active?.socket.isGranted && !warming)
  }

  /** Resolves when each listener known now has tried to bind; what could not be bound is a problem. */
  async settled(): Promise<Problem[]> {
    await Promise.all([...this.#sockets].map(socket => socket.firstAttempt))
    return this.#unbound(this.#sockets)
  }

  /**
   * Resolves when clients may connect to each listener that has become active since this was asked last, or to `all`,
   * however long a predecessor takes to make way. What could not be bound is a problem.
   */
  async bound(all: boolean): Promise<Problem[]> {
    const sockets = new Set(all ? this.#sockets : this.#unheard)
    this.#unheard.clear()
    await Promise.all([...sockets].map(socket => socket.firstOutcome))
    return this.#unbound(sockets)
  }

  /** Connections in any state, TLS handshakes included. */
  get activeConnections(): number {
    return this.#connections.open.size
  }

  /** Has clients leave, each with its next response; whoever comes is served, and sent away as well. */
  sendAway(): void {
    this.#sendsAway = true
    for (const listener of this.#compiled()) for (const chain of chainsOf(listener)) chain.filter.drain(true)
  }

  /** Stops accepting and lets every connection end between requests; with `sparesIdle`, see NetworkFilter. */
  async drain(sparesIdle = false): Promise<void> {
    this.#stopping = true
    // What is under way may still come to an internal listener: those accept to the end.
    const sockets = [...this.#sockets].filter(socket => !isInternal(socket.address, socket.port))
    for (const socket of sockets) this.#sockets.delete(socket)
    await Promise.all(sockets.map(socket => socket.close()))
    for (const listener of this.#compiled()) for (const chain of chainsOf(listener)) chain.filter.drain(sparesIdle)
    for (const chain of this.#draining.keys()) chain.filter.drain(sparesIdle)
    for (const { warming } of this.#entries.values()) warming?.deadline.cancel()
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    await this.drain()
    for (const socket of this.#sockets) void socket.close()
    this.#sockets.clear()
    for (const timer of this.#draining.values()) timer.cancel()
    this.#connections.destroyAll()
    this.#entries.clear()
    this.#draining.clear()
  }

  #updateOne(message: Listener): Problem[] {
    const entry = this.#entries.get(message.name)
    const latest = entry?.warming?.listener ?? entry?.active?.listener
    if (latest && equals(ListenerSchema, latest.message, message)) return []
    const existing = new Map<string, FilterChain>()
    for (const known of [entry?.active?.listener, entry?.warming?.listener]) {
      for (const chain of known ? chainsOf(known) : []) existing.set(chain.fingerprint, chain)
    }
    const compiled = compileListener(message, existing, this.#host)
    if (!compiled.ok) return [...compiled.problems]
    // It would bind what drain has just let go of.
    if (this.#stopping) return []
    const rival = this.#listenerAt(compiled.value)
    if (rival !== undefined) {
      const { address, port } = compiled.value
      const text = `${address}:${port} is bound by listener ${rival} already`
      return [
        { code: 'WEFT-4002', severity: 'error', object: `Listener ${message.name}`, path: 'address', message: text },
      ]
    }
    this.#warm(message.name, compiled.value)
    return []
  }

  #warm(name: string, listener: CompiledListener): void {
    const entry = this.#entries.get(name) ?? { active: null, warming: null }
    this.#entries.set(name, entry)
    const abandoned = entry.warming?.listener
    // One version after the other must not put it off for good.
    const deadline = entry.warming?.deadline ?? this.#deadlineOf(name, entry)
    entry.warming = { listener, deadline }
    ;(entry.active ? this.#stats.modified : this.#stats.added).value += 1
    if (abandoned) this.#drainChains(abandoned, [listener, ...(entry.active ? [entry.active.listener] : [])])
  }

  #deadlineOf(name: string, entry: Entry): Timer {
    return this.#host.clock.setTimer(WARMING_TIMEOUT_MS, () => {
      this.#host.log.warn('listener serves without all it refers to', { listener: name })
      this.#clustersWereChecked = true
      this.#activate(entry)
      this.resourcesArrived()
    })
  }

  #isWarm(listener: CompiledListener): boolean {
    const { routeTables } = this.#host.filterHost
    // Envoy listens when its clusters are there, which those whose health is checked are after their first checks.
    if (!this.#clustersWereChecked) return false
    return chainsOf(listener).every(
      chain =>
        chain.filter.routeConfigurations.every(name => routeTables.get(name) !== undefined) &&
        (chain.tls?.secretNames ?? []).every(name => this.#host.secrets.has(name)),
    )
  }

  #activate(entry: Entry): void {
    const listener = entry.warming?.listener
    if (!listener) return
    entry.warming?.deadline.cancel()
    entry.warming = null
    const before = entry.active
    const stats = createListenerStats(this.#host.filterHost.stats, listener.statPrefix)
    const onConnection: ListeningSocket['onConnection'] = socket => this.#acceptor.accept(socket, listener, stats)
    const socket =
      before && sameAddress(before.listener, listener)
        ? before.socket
        : (this.#freeSocket(listener) ?? this.#bind(listener))
    socket.onConnection = onConnection
    entry.active = { listener, socket }
    if (this.#sendsAway) for (const chain of chainsOf(listener)) chain.filter.drain(true)
    if (before) this.#drainChains(before.listener, [listener])
    this.#host.log.info('listener active', { listener: listener.name, address: `${listener.address}:${listener.port}` })
  }

  #unbound(sockets: ReadonlySet<ListeningSocket>): Problem[] {
    // What a drain overtook is not going to be bound.
    if (this.#stopping) return []
    const problems: Problem[] = []
    for (const { active } of this.#entries.values()) {
      if (!active || active.socket.failure === '' || !sockets.has(active.socket)) continue
      const { name, message } = active.listener
      const text = `cannot bind '${shown(active.listener.address)}:${portOf(message)}': ${active.socket.failure}`
      problems.push({ code: 'WEFT-4101', severity: 'error', object: `Listener ${name}`, message: text })
    }
    return problems
  }

  #bind(listener: CompiledListener): ListeningSocket {
    const socket = new ListeningSocket(listener, () => {}, this.#host)
    this.#sockets.add(socket)
    this.#unheard.add(socket)
    socket.onBound = () => this.#updateGauges()
    void socket.firstOutcome.then(() => {
      if (!socket.failure) return
      this.#stats.createFailure.value += 1
      this.#host.log.error('cannot bind', { address: `${socket.address}:${socket.port}`, why: socket.failure })
    })
    return socket
  }

  /** A socket left over by a listener that went, at the same address: renaming a listener must not close its port. */
  #freeSocket(listener: CompiledListener): ListeningSocket | undefined {
    if (listener.port === 0) return undefined
    const used = this.#usedSockets()
    return [...this.#sockets].find(socket => !used.has(socket) && sameAddress(socket, listener))
  }

  #usedSockets(): Set<ListeningSocket> {
    return new Set([...this.#entries.values()].flatMap(entry => (entry.active ? [entry.active.socket] : [])))
  }

  #closeUnusedSockets(): void {
    const used = this.#usedSockets()
    for (const socket of this.#sockets) {
      if (used.has(socket)) continue
      this.#sockets.delete(socket)
      this.#unheard.delete(socket)
      void socket.close()
    }
  }

  #listenerAt(listener: CompiledListener): string | undefined {
    if (listener.port === 0) return undefined
    for (const other of this.#compiled()) {
      if (other.name !== listener.name && sameAddress(other, listener)) return other.name
    }
    return undefined
  }

  #remove(name: string): void {
    const entry = this.#entries.get(name)
    if (!entry) return
    this.#entries.delete(name)
    entry.warming?.deadline.cancel()
    this.#stats.removed.value += 1
    for (const listener of [entry.active?.listener, entry.warming?.listener]) {
      if (listener) this.#drainChains(listener, [])
    }
    // The socket stays until the update is through: another listener of this update may take the address.
    if (entry.active) entry.active.socket.onConnection = socket => socket.destroy()
  }

  /**
   * Chains of `gone` that none of `kept` has taken over end gently, and after the drain time by force. A request may be on
   * its way on any of their connections, a handshake in the middle of itself: they go on, and each ends after its next
   * response, which says so (Envoy).
   */
  #drainChains(gone: CompiledListener, kept: readonly CompiledListener[]): void {
    const alive = new Set(kept.flatMap(listener => [...chainsOf(listener)]))
    for (const chain of chainsOf(gone)) {
      if (alive.has(chain) || this.#draining.has(chain)) continue
      chain.filter.drain(true)
      this.#draining.set(chain, this.#drainTimer(chain))
    }
  }

  #drainTimer(chain: FilterChain): Timer {
    const { clock, drainTimeMs } = this.#host
    const lastCallMs = drainTimeMs * LAST_CALL
    return clock.setTimer(lastCallMs, () => {
      chain.filter.drain()
      const end = clock.setTimer(drainTimeMs - lastCallMs, () => {
        this.#draining.delete(chain)
        chain.destroyConnections()
        this.#updateGauges()
      })
      this.#draining.set(chain, end)
    })
  }

  *#compiled(): Generator<CompiledListener> {
    for (const { active, warming } of this.#entries.values()) {
      if (active) yield active.listener
      if (warming) yield warming.listener
    }
  }

  #updateGauges(): void {
    const entries = [...this.#entries.values()]
    this.#stats.active.value = entries.filter(entry => entry.active?.socket.isBound).length
    this.#stats.warming.value = entries.filter(entry => entry.warming).length
    this.#stats.draining.value = this.#draining.size
  }
}

function chainsOf(listener: CompiledListener): readonly FilterChain[] {
  return listener.defaultChain ? [...listener.chains, listener.defaultChain] : listener.chains
}

function sameAddress(
  a: { readonly address: string; readonly port: number },
  b: { readonly address: string; readonly port: number },
): boolean {
  return a.address === b.address && a.port === b.port
}

function shown(address: string): string {
  return address === DUAL_STACK ? '::' : address
}

function portOf(message: Listener): number {
  const address = message.address?.address
  return address?.case === 'socketAddress' && address.value.portSpecifier.case === 'portValue'
    ? address.value.portSpecifier.value
    : 0
}
