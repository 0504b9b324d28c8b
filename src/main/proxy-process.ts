// What both starts of Weft's own data plane share: log, signals, admin port, drain, and the one way in which it ends.
import { closeSync, readFileSync, rmSync } from 'node:fs'
import { AdjustableLog } from '../base/adjustable-log.ts'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { onBug } from '../base/bug.ts'
import { type Clock, clockOrigin, systemClock } from '../base/clock.ts'
import type { LogLevel } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { SharedSlots } from '../base/shared-slots.ts'
import { programVersion } from '../cli/client/program-version.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import type { DataPlaneStart, RunningProcess } from '../cli/contract/process-starters.ts'
import { systemLogFiles } from '../data-plane/access-log/log-file.ts'
import type { AdminSource, ServerState } from '../data-plane/admin/admin-pages.ts'
import { AdminServer } from '../data-plane/admin/admin-server.ts'
import { sharedLimits } from '../data-plane/process-limits/shared-limits.ts'
import { Proxy as DataPlaneProxy, type ProxyOptions } from '../data-plane/proxy.ts'
import {
  InheritableNetwork,
  type ListeningDescriptor,
  type ListeningSockets,
} from '../transport/net/inheritable-network.ts'
import type { Network } from '../transport/net/network.ts'
import { reusePortNetwork } from '../transport/net/reuse-port-network.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import { certificateFolder } from './certificate-folder.ts'
import { HotRestart, type HotRestartHost } from './hot-restart.ts'
import { allSockets, type Inheritance, predecessorOf, takeInheritance } from './inheritance.ts'
import { endOnSignals } from './process-end.ts'
import { ServerStats } from './server-stats.ts'
import { toStandardError } from './standard-error.ts'
import { releaseStartupMemory } from './startup-memory.ts'
import { takeOver } from './takeover.ts'
import { releaseUnusedPages } from './unused-pages.ts'
import type { Workers } from './workers.ts'

export interface ProxyProcessOptions extends DataPlaneStart {
  /** False: the caller minds signals and uncaught errors. */
  readonly standalone?: boolean
  readonly clock?: Clock
  readonly network?: Network
  readonly logLevel?: LogLevel
}

export interface RunningProxy extends RunningProcess {
  /** 0: there is none. */
  readonly adminPort: number
  readonly proxy: DataPlaneProxy
  /** Resolves once /ready says LIVE for the first time. */
  readonly live: Promise<void>
}

/** Istio's terminationDrainDuration. */
const TERMINATION_DRAIN_S = 5
/** Envoy's defaults of --drain-time-s and --parent-shutdown-time-s. */
const DRAIN_TIME_S = 600
const PARENT_SHUTDOWN_TIME_S = 900
/** What loops count together: a cluster has four of them, and each bucket of a rate limit is one. */
const MAX_SHARED_LIMITS = 2 ** 17

type ProxySettings = Pick<ProxyOptions, 'reasonHeader' | 'maxConnections' | 'serviceCluster' | 'overload'> & {
  /** Whose certificates config may name. */
  readonly stateDir?: string
}

export class ProxyProcess implements RunningProxy {
  readonly clock: Clock
  readonly log: AdjustableLog
  readonly proxy: DataPlaneProxy
  readonly finished: Promise<void>
  readonly live: Promise<void>
  /** Where it stands on its way to LIVE; `isLive` ends the way. */
  state: ServerState = 'PRE_INITIALIZING'
  readonly #finish: (error?: unknown) => void
  readonly #markLive: () => void
  readonly #options: ProxyProcessOptions
  readonly #settings: ProxySettings
  readonly #network: InheritableNetwork
  readonly #inheritance: Inheritance
  #drainMs: number
  readonly #abort = new AbortController()
  readonly #feeds: (() => void)[] = []
  readonly #closers: (() => void)[] = []
  readonly #handovers: (() => void)[] = []
  readonly #keptFiles: (() => void)[] = []
  #admin: AdminServer | null = null
  #adminSocket: ListeningDescriptor | null = null
  /** Of a successor: what waits until its predecessor may go. */
  readonly #takeovers: (() => unknown)[] = []
  /** What all loops count in; null while this one carries all. */
  readonly #memory: SharedArrayBuffer | null
  readonly #slots: SharedSlots | null
  /** The event loops beside this one; null while this one carries all. */
  workers: Workers | null = null
  readonly #hotRestart: HotRestart
  readonly #firstStartedAt: number
  readonly #serverStats: ServerStats
  #stopping: Promise<void> | null = null

  constructor(options: ProxyProcessOptions, settings: ProxySettings = {}) {
    this.#settings = settings
    this.#options = options
    this.clock = options.clock ?? systemClock
    this.#inheritance = takeInheritance()
    this.#firstStartedAt = this.#inheritance.firstStartedAt ?? this.clock.wallNow()
    const { epoch, sockets } = this.#inheritance
    this.#network = new InheritableNetwork(options.network ?? networkFor(options), epoch === 0 ? null : sockets)
    this.#drainMs = (options.terminationDrainSeconds ?? TERMINATION_DRAIN_S) * 1000
    this.log = new AdjustableLog('proxy', options.logLevel ?? 'info', this.clock, toStandardError)
    const finished = Promise.withResolvers<void>()
    this.finished = finished.promise
    this.#finish = error => (error === undefined ? finished.resolve() : finished.reject(error))
    const live = Promise.withResolvers<void>()
    this.live = live.promise
    this.#markLive = live.resolve
    const { concurrency = 1 } = options
    this.#memory = concurrency > 1 ? SharedSlots.allocate(concurrency, MAX_SHARED_LIMITS) : null
    const slots = this.#memory && new SharedSlots(this.#memory, 0)
    this.proxy = new DataPlaneProxy({
      ...settings,
      clock: this.clock,
      random: systemRandom,
      log: this.log,
      network: this.#network,
      logFiles: systemLogFiles(this.clock),
      ...(settings.stateDir === undefined ? {} : { certificates: certificateFolder(settings.stateDir) }),
      ...(slots && { limits: sharedLimits(slots, this.log) }),
      residentBytes: () => process.memoryUsage.rss(),
      ...drainTimes(options),
    })
    this.#slots = slots
    this.#serverStats = new ServerStats(this.proxy.stats.root, {
      clock: this.clock,
      epoch,
      concurrency,
      state: () => this.#shownState,
      tlsMaterials: () => this.proxy.tlsMaterials(),
    })
    this.#hotRestart = new HotRestart(this.#asHotRestartHost())
    if (options.pidFile !== undefined) this.keepFile(options.pidFile, () => `${process.pid}\n`)
    if (options.standalone !== false) this.#mindTheProcess()
  }

  get adminPort(): number {
    return this.#admin?.port ?? 0
  }

  get isStopping(): boolean {
    return this.#stopping !== null
  }

  /** Aborted when the stop begins. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** `feed` brings config: it is stopped once the streams have ended. */
  afterDrain(feed: () => void): void {
    this.#feeds.push(feed)
  }

  /** Called when a successor has taken over. */
  atHandover(act: () => void): void {
    this.#handovers.push(act)
  }

  /** Called when all else has ended; the latest first. */
  atEnd(close: () => void): void {
    this.#closers.push(close)
  }

  /** At once; in the successor of another process, when it takes over. */
  whenInCharge(act: () => unknown): void {
    if (this.#inheritance.epoch === 0) act()
    else this.#takeovers.push(act)
  }

  /** Says something of the process in charge, for as long as it is this one. */
  keepFile(file: string, content: () => string): void {
    let written = ''
    const write = (): void => {
      written = content()
      writeFileAtomic(file, written, 0o644)
    }
    this.whenInCharge(write)
    this.#keptFiles.push(write)
    this.atEnd(() => {
      if (written !== '' && readText(file) === written) rmSync(file, { force: true })
    })
  }

  /** Before the config comes, and the admin port. */
  async startWorkers(): Promise<void> {
    const { concurrency = 1, logLevel = 'info' } = this.#options
    const { workers, epoch } = this.#inheritance
    if (epoch > 0 && workers.length !== concurrency - 1)
      throw new CommandFailure(`a hot restart cannot change --concurrency from ${workers.length + 1} to ${concurrency}`)
    const memory = this.#memory
    if (memory === null) return
    const { Workers } = await import('./workers.ts')
    const { reasonHeader = true, serviceCluster = '', maxConnections, overload, stateDir } = this.#settings
    const start = {
      clockOrigin: clockOrigin(),
      logLevel,
      reasonHeader,
      serviceCluster,
      ...(maxConnections === undefined ? {} : { maxConnections }),
      ...(overload && { overload }),
      ...(stateDir === undefined ? {} : { stateDir }),
      ...drainTimes(this.#options),
    }
    const starts = Array.from({ length: concurrency - 1 }, (_, index) => ({
      ...start,
      limits: { memory, loop: index + 1 },
      inherited: epoch === 0 ? null : (workers[index] ?? []),
    }))
    this.workers = new Workers(starts, {
      onDeath: why => this.fail(new CommandFailure(why)),
      onEnd: number => this.#slots?.forfeit(number),
    })
  }

  /** First of all: whoever started this process asks here how it is. Throws CommandFailure. */
  async openAdmin(
    address: { readonly host: string; readonly port: number },
    source: Pick<AdminSource, 'node' | 'bootstrap'>,
  ): Promise<void> {
    const { host, port } = address
    const { admin, epoch } = this.#inheritance
    const open = async (fd?: number): Promise<void> => {
      const server = await AdminServer.open(host, port, adminSource, fd)
      this.#admin = server
      const bound = { address: host, port: server.port }
      if (server.fd !== undefined) this.#adminSocket = { wanted: { address: host, port }, bound, fd: server.fd }
    }
    const adminSource: AdminSource = {
      ...source,
      proxy: this.proxy,
      clock: this.clock,
      log: this.log,
      version: programVersion(),
      startedAt: this.clock.wallNow(),
      epoch,
      firstStartedAt: this.#firstStartedAt,
      state: () => this.#shownState,
      quit: () => setImmediate(() => void this.stop()),
      drainListeners: graceful => this.#drainListeners(graceful),
      failHealthChecks: failed => {
        this.proxy.failHealthChecks(failed)
        this.workers?.failHealthChecks(failed)
      },
      workers: this.workers,
      reopenLogs: () => this.#reopenLogs(),
      hotRestart: () => this.hotRestart(),
    }
    try {
      // Until this process takes over, its predecessor answers there.
      if (admin?.wanted.address === host && admin.wanted.port === port) this.whenInCharge(() => open(admin.fd))
      else {
        await open()
        if (admin !== null) this.whenInCharge(() => closeSync(admin.fd))
      }
    } catch (error) {
      for (const close of this.#closers) close()
      throw new CommandFailure(`cannot open the admin port ${port}: ${(error as Error).message}`)
    }
  }

  /** Accepts on what it has inherited, too: from now on this is the process in charge. */
  async isLive(facts: Readonly<Record<string, string | number>>): Promise<void> {
    if (this.#options.standalone !== false) {
      releaseStartupMemory()
      const pages = releaseUnusedPages({ clock: this.clock })
      this.atEnd(() => pages.cancel())
    }
    const takeCharge = async (): Promise<void> => {
      for (const act of this.#takeovers) await act()
      this.state = 'LIVE'
      this.#serverStats.onLive()
      this.log.info('live', { ...facts, ...(this.#admin ? { admin: this.adminPort } : {}) })
      this.#markLive()
    }
    try {
      await takeOver(predecessorOf(this.#inheritance), { loops: this.#loops, signal: this.signal, takeCharge })
    } catch (error) {
      throw new CommandFailure(`cannot take over: ${(error as Error).message}`)
    }
  }

  /** As Envoy calls it. */
  get #shownState(): ServerState {
    return this.state === 'LIVE' && this.proxy.health.failed ? 'DRAINING' : this.state
  }

  #reopenLogs(): void {
    this.proxy.reopenLogs()
    this.workers?.reopenLogs()
  }

  get #loops(): readonly Omit<ListeningSockets, 'lend'>[] {
    return this.workers ? [this.#network, this.workers] : [this.#network]
  }

  /** Starts a successor on the same sockets, and drains once it is live. Says why not, or null. */
  hotRestart(): string | null {
    return this.#hotRestart.begin()
  }

  /** Nothing more can come of it: `finished` says why. */
  fail(error: unknown): void {
    if (!this.#stopping) this.#finish(error)
    void this.stop()
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** As Envoy drains them: connections that nobody uses are let be until the drain time is over. */
  #drainListeners(graceful: boolean): void {
    const drainMs = (this.#options.drainTimeSeconds ?? DRAIN_TIME_S) * 1000
    if (graceful) {
      this.proxy.sendAway()
      this.workers?.sendAway()
      const timer = this.clock.setTimer(drainMs, () => this.#drainListeners(false))
      this.atEnd(() => timer.cancel())
      return
    }
    this.state = 'DRAINING'
    void Promise.all([this.proxy.drain(drainMs, true), this.workers?.drain(drainMs, true)]).then(() => this.#drain())
  }

  async #drain(): Promise<void> {
    this.state = 'DRAINING'
    await Promise.all([this.proxy.drain(this.#drainMs), this.workers?.drain(this.#drainMs)])
  }

  #asHotRestartHost(): HotRestartHost {
    return {
      clock: this.clock,
      log: this.log,
      state: () => this.state,
      isStopping: () => this.isStopping,
      legacy: () => this.#legacy(),
      start: async legacy => {
        const { Successor } = await import('./successor.ts')
        const highestInherited = Math.max(-1, ...allSockets(this.#inheritance).map(({ fd }) => fd))
        return new Successor(this.clock, legacy, highestInherited)
      },
      freeze: async () => {
        const unchanged = await Promise.all(this.#loops.map(loop => loop.freeze()))
        return unchanged.every(each => each)
      },
      release: () => {
        for (const loop of this.#loops) loop.release()
      },
      handOver: closed => this.#handOver(closed),
      // A successor that came as far as saying that it is in charge has been believed.
      stayInCharge: () => {
        for (const write of this.#keptFiles) write()
      },
      fail: error => this.fail(error),
    }
  }

  async #legacy(): Promise<Inheritance> {
    return {
      epoch: this.#inheritance.epoch + 1,
      firstStartedAt: this.#firstStartedAt,
      sockets: await this.#network.lend(),
      workers: (await this.workers?.lend()) ?? [],
      admin: this.#adminSocket,
    }
  }

  async #handOver(closed: () => void): Promise<void> {
    for (const act of this.#handovers) act()
    this.state = 'DRAINING'
    const { drainTimeSeconds = DRAIN_TIME_S, parentShutdownTimeSeconds = PARENT_SHUTDOWN_TIME_S } = this.#options
    const drainMs = Math.min(drainTimeSeconds, parentShutdownTimeSeconds) * 1000
    // A client that keeps a connection idle may be about to send: it is told in its next response, not by a reset.
    const drained = Promise.all([this.proxy.drain(drainMs, true), this.workers?.drain(drainMs, true)])
    await Promise.all([this.#admin?.close(), ...this.#loops.map(loop => loop.handOver())])
    this.#admin = null
    closed()
    await drained
    this.#drainMs = parentShutdownTimeSeconds * 1000 - drainMs
    await this.stop()
  }

  async #stop(): Promise<void> {
    this.#abort.abort()
    this.#hotRestart.abort()
    await this.#drain()
    for (const stop of this.#feeds) stop()
    await Promise.all([this.proxy.close(), this.workers?.close()])
    await this.#admin?.close()
    for (const close of this.#closers.reverse()) close()
    this.log.info('stopped')
    this.#finish()
  }

  #mindTheProcess(): void {
    this.#closers.push(endOnSignals(this.log, () => void this.stop()))
    // After log rotation, as Envoy does. Without a listener Node would open its debugger at this signal.
    const reopen = (): void => this.#reopenLogs()
    process.on('SIGUSR1', reopen)
    this.#closers.push(() => void process.off('SIGUSR1', reopen))
    // As Envoy does: whoever means a reload by it does not mean the end of every connection.
    const eat = (): void => this.log.warn('SIGHUP ignored; SIGUSR2 restarts the proxy')
    process.on('SIGHUP', eat)
    this.#closers.push(() => void process.off('SIGHUP', eat))
    const replace = (): void => void this.hotRestart()
    process.on('SIGUSR2', replace)
    this.#closers.push(() => void process.off('SIGUSR2', replace))
    onBug(message => {
      this.#serverStats.bugs.value += 1
      this.log.error('broken invariant', { message })
    })
  }
}

function drainTimes(options: DataPlaneStart): Pick<ProxyOptions, 'drainTimeMs' | 'gradualDrainMs'> {
  const { drainTimeSeconds, drainStrategy } = options
  return {
    ...(drainTimeSeconds === undefined ? {} : { drainTimeMs: drainTimeSeconds * 1000 }),
    ...(drainStrategy === 'gradual' ? { gradualDrainMs: (drainTimeSeconds ?? DRAIN_TIME_S) * 1000 } : {}),
  }
}

function networkFor({ concurrency = 1 }: DataPlaneStart): Network {
  return concurrency > 1 ? reusePortNetwork : systemNetwork
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
