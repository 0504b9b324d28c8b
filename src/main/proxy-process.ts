// What both starts of Weft's own data plane share: log, signals, admin port, drain, and the one way in which it ends.
import { AdjustableLog } from '../base/adjustable-log.ts'
import { onBug } from '../base/bug.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { LogLevel } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { programVersion } from '../cli/client/program-version.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import type { RunningProcess } from '../cli/contract/process-starters.ts'
import { systemLogFiles } from '../data-plane/access-log/log-file.ts'
import type { AdminSource, ServerState } from '../data-plane/admin/admin-pages.ts'
import { AdminServer } from '../data-plane/admin/admin-server.ts'
import { Proxy as DataPlaneProxy, type ProxyOptions } from '../data-plane/proxy.ts'
import type { Network } from '../transport/net/network.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import { endOnSignals } from './process-end.ts'

export interface ProxyProcessOptions {
  /** False: the caller minds signals and uncaught errors. */
  readonly standalone?: boolean
  readonly clock?: Clock
  readonly network?: Network
  readonly logLevel?: LogLevel
  /** How long streams may go on after a stop was asked for; Istio's terminationDrainDuration, 5 s, unless set. */
  readonly drainMs?: number
}

export interface RunningProxy extends RunningProcess {
  /** 0: there is none. */
  readonly adminPort: number
  readonly proxy: DataPlaneProxy
  /** Resolves once /ready says LIVE for the first time. */
  readonly live: Promise<void>
}

const TERMINATION_DRAIN_MS = 5_000

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
  readonly #drainMs: number
  readonly #abort = new AbortController()
  readonly #feeds: (() => void)[] = []
  readonly #closers: (() => void)[] = []
  #admin: AdminServer | null = null
  #stopping: Promise<void> | null = null

  constructor(options: ProxyProcessOptions, settings: Pick<ProxyOptions, 'reasonHeader' | 'maxConnections'> = {}) {
    this.clock = options.clock ?? systemClock
    this.#drainMs = options.drainMs ?? TERMINATION_DRAIN_MS
    const write = (line: string): void => void process.stderr.write(line)
    this.log = new AdjustableLog('proxy', options.logLevel ?? 'info', this.clock, write)
    const finished = Promise.withResolvers<void>()
    this.finished = finished.promise
    this.#finish = error => (error === undefined ? finished.resolve() : finished.reject(error))
    const live = Promise.withResolvers<void>()
    this.live = live.promise
    this.#markLive = live.resolve
    this.proxy = new DataPlaneProxy({
      ...settings,
      clock: this.clock,
      random: systemRandom,
      log: this.log,
      network: options.network ?? systemNetwork,
      logFiles: systemLogFiles,
    })
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

  /** Called when all else has ended; the latest first. */
  atEnd(close: () => void): void {
    this.#closers.push(close)
  }

  /** First of all: whoever started this process asks here how it is. Throws CommandFailure. */
  async openAdmin(
    address: { readonly host: string; readonly port: number },
    source: Pick<AdminSource, 'node' | 'bootstrap'>,
  ): Promise<void> {
    const { host, port } = address
    try {
      this.#admin = await AdminServer.open(host, port, {
        ...source,
        proxy: this.proxy,
        clock: this.clock,
        log: this.log,
        version: programVersion(),
        startedAt: this.clock.wallNow(),
        state: () => this.state,
        quit: () => setImmediate(() => void this.stop()),
        drainListeners: () => void this.#drain(),
      })
    } catch (error) {
      for (const close of this.#closers) close()
      throw new CommandFailure(`cannot open the admin port ${port}: ${(error as Error).message}`)
    }
  }

  isLive(facts: Readonly<Record<string, string | number>>): void {
    this.state = 'LIVE'
    this.log.info('live', facts)
    this.#markLive()
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

  #drain(): Promise<void> {
    this.state = 'DRAINING'
    return this.proxy.drain(this.#drainMs)
  }

  async #stop(): Promise<void> {
    this.#abort.abort()
    await this.#drain()
    for (const stop of this.#feeds) stop()
    await this.proxy.close()
    await this.#admin?.close()
    for (const close of this.#closers.reverse()) close()
    this.log.info('stopped')
    this.#finish()
  }

  #mindTheProcess(): void {
    this.#closers.push(endOnSignals(this.log, () => void this.stop()))
    // After log rotation, as Envoy does. Without a listener Node would open its debugger at this signal.
    const reopen = (): void => this.proxy.reopenLogs()
    process.on('SIGUSR1', reopen)
    this.#closers.push(() => void process.off('SIGUSR1', reopen))
    const bugs = this.proxy.stats.root.scope('server').counter('envoy_bug_failures')
    onBug(message => {
      bugs.value += 1
      this.log.error('broken invariant', { message })
    })
  }
}
