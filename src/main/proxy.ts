// The proxy's process: admin port, identity, data plane, xDS, in the order in which one needs the other.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { AdjustableLog } from '../base/adjustable-log.ts'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { onBug } from '../base/bug.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { LogLevel } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { programVersion } from '../cli/client/program-version.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import type { ProxyStart, RunningProcess } from '../cli/contract/process-starters.ts'
import { systemLogFiles } from '../data-plane/access-log/log-file.ts'
import type { ServerState } from '../data-plane/admin/admin-pages.ts'
import { AdminServer } from '../data-plane/admin/admin-server.ts'
import { applierFor, Proxy as DataPlaneProxy } from '../data-plane/proxy.ts'
import { LastGood } from '../data-plane/xds-client/last-good.ts'
import { createNode } from '../data-plane/xds-client/proxy-node.ts'
import { XdsClient } from '../data-plane/xds-client/xds-client.ts'
import type { Network } from '../transport/net/network.ts'
import { systemNetwork } from '../transport/net/system-network.ts'
import { endOnSignals } from './process-end.ts'
import { formatHostPort, openIdentity, proxyFolder } from './proxy-identity.ts'

export interface ProxyStartOptions extends ProxyStart {
  /** False: the caller minds signals and uncaught errors. */
  readonly standalone?: boolean
  readonly clock?: Clock
  readonly network?: Network
  readonly logLevel?: LogLevel
  /** How long streams may go on after a stop was asked for; Istio's terminationDrainDuration, 5 s, unless set. */
  readonly drainMs?: number
}

export interface RunningProxy extends RunningProcess {
  readonly adminPort: number
  readonly proxy: DataPlaneProxy
  /** Resolves once /ready says LIVE for the first time. */
  readonly live: Promise<void>
}

const TERMINATION_DRAIN_MS = 5_000
const LIVE_POLL_MS = 10

/** Resolves when the admin port answers; identity and config are then on their way. Throws CommandFailure. */
export async function startProxy(options: ProxyStartOptions): Promise<RunningProxy> {
  const running = new ProxyProcess(options)
  await running.openAdmin()
  running.begin()
  return running
}

class ProxyProcess implements RunningProxy {
  readonly proxy: DataPlaneProxy
  readonly finished: Promise<void>
  readonly live: Promise<void>
  readonly #finish: (error?: unknown) => void
  readonly #markLive: () => void
  readonly #options: ProxyStartOptions
  readonly #clock: Clock
  readonly #log: AdjustableLog
  readonly #abort = new AbortController()
  readonly #closers: (() => void)[] = []
  #admin: AdminServer | null = null
  #xds: XdsClient | null = null
  #state: ServerState = 'PRE_INITIALIZING'
  #stopping: Promise<void> | null = null

  constructor(options: ProxyStartOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    const write = (line: string): void => void process.stderr.write(line)
    this.#log = new AdjustableLog('proxy', options.logLevel ?? 'info', this.#clock, write)
    const finished = Promise.withResolvers<void>()
    this.finished = finished.promise
    this.#finish = error => (error === undefined ? finished.resolve() : finished.reject(error))
    const live = Promise.withResolvers<void>()
    this.live = live.promise
    this.#markLive = live.resolve
    this.proxy = new DataPlaneProxy({
      clock: this.#clock,
      random: systemRandom,
      log: this.#log,
      network: options.network ?? systemNetwork,
      logFiles: systemLogFiles,
    })
    if (options.standalone !== false) {
      this.#closers.push(endOnSignals(this.#log, () => void this.stop()))
      // After log rotation, as Envoy does. Without a listener Node would open its debugger at this signal.
      const reopen = (): void => this.proxy.reopenLogs()
      process.on('SIGUSR1', reopen)
      this.#closers.push(() => void process.off('SIGUSR1', reopen))
      const bugs = this.proxy.stats.root.scope('server').counter('envoy_bug_failures')
      onBug(message => {
        bugs.value += 1
        this.#log.error('broken invariant', { message })
      })
    }
  }

  get adminPort(): number {
    return this.#admin?.port ?? 0
  }

  /** First of all: whoever started this process asks here how it is. */
  async openAdmin(): Promise<void> {
    const { adminPort } = this.#options
    const version = programVersion()
    try {
      this.#admin = await AdminServer.open(adminPort, {
        proxy: this.proxy,
        node: createNode(this.#options, version),
        clock: this.#clock,
        log: this.#log,
        version,
        startedAt: this.#clock.wallNow(),
        state: () => this.#state,
        quit: () => setImmediate(() => void this.stop()),
        drainListeners: () => void this.#drain(),
      })
    } catch (error) {
      for (const close of this.#closers) close()
      throw new CommandFailure(`cannot open the admin port ${adminPort}: ${(error as Error).message}`)
    }
    const file = join(proxyFolder(this.#options), 'admin.json')
    writeFileAtomic(file, `${JSON.stringify({ pid: process.pid, adminPort: this.adminPort })}\n`, 0o644)
    this.#closers.push(() => rmSync(file, { force: true }))
  }

  /** Goes on by itself; what goes wrong for good ends `finished`. */
  begin(): void {
    this.#join().catch(error => {
      if (!this.#stopping) this.#finish(error)
      void this.stop()
    })
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #join(): Promise<void> {
    const options = this.#options
    const clock = this.#clock
    const identity = await openIdentity(options, { clock, log: this.#log, signal: this.#abort.signal })
    this.#closers.push(() => identity.stop())
    if (this.#stopping) return identity.stop()
    this.proxy.useIdentity(identity)
    const xds = new XdsClient({
      clock,
      random: systemRandom,
      log: this.#log,
      stats: this.proxy.stats.root,
      node: createNode(options, programVersion()),
      target: formatHostPort(options.controlPlane),
      credentials: () => identity,
      applier: applierFor(this.proxy),
      lastGood: new LastGood(join(proxyFolder(options), 'last-good'), clock, this.#log),
    })
    this.#xds = xds
    this.#state = 'INITIALIZING'
    await xds.start()
    await xds.initialised()
    while (!this.proxy.ready && !this.#stopping) await new Promise<void>(wake => clock.setTimer(LIVE_POLL_MS, wake))
    if (this.#stopping) return
    this.#state = 'LIVE'
    this.#log.info('live', { id: identity.spiffeId, admin: this.adminPort })
    this.#markLive()
  }

  #drain(): Promise<void> {
    this.#state = 'DRAINING'
    return this.proxy.drain(this.#options.drainMs ?? TERMINATION_DRAIN_MS)
  }

  async #stop(): Promise<void> {
    this.#abort.abort()
    await this.#drain()
    this.#xds?.stop()
    await this.proxy.close()
    await this.#admin?.close()
    for (const close of this.#closers.reverse()) close()
    this.#log.info('stopped')
    this.#finish()
  }
}
