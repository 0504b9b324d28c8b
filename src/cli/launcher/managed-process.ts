// One child process: started, recorded, started again when it dies, and ended for good when asked.
import { spawn } from 'node:child_process'
import { closeSync, existsSync } from 'node:fs'
import type { Timer } from '../../base/clock.ts'
import { delay, settlesWithin } from './delay.ts'
import type { LauncherHost } from './launcher-host.ts'
import { ProcessLog } from './process-log.ts'
import {
  isRunning,
  type ProcessRecord,
  type ProcessRole,
  removeProcessRecord,
  writeProcessRecord,
} from './process-record.ts'

export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Why it could not even start: `spawn nowhere ENOENT`. */
  readonly error?: string
}

export interface ManagedProcessOptions {
  readonly name: string
  readonly role: ProcessRole
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly ports: Readonly<Record<string, number>>
  readonly workload?: string
  readonly namespace?: string
  /** Standard streams as the launcher's own, rather than the log: the application of `weft run`. */
  readonly inheritOutput?: boolean
  /** Whether a child that ends by itself is started again. */
  readonly restart: boolean
  /** How long to wait before that, the first time; 1000 unless set. It doubles with each crash in a row. */
  readonly firstBackOffMs?: number
  /** Before a start that follows a crash; when it rejects, the start goes on all the same. */
  readonly beforeRestart?: () => Promise<void>
  /** After a start that follows a crash. */
  readonly onRestart?: () => void
  readonly onExit?: (exit: ProcessExit) => void
  /** When the child has ended: the pid of the process, of its group, that it left in its place, if there is one. */
  readonly successor?: () => number | undefined
}

/** The process that counts: the child, or what has taken its place. */
interface Current {
  readonly pid: number | undefined
  /** The child's pid: what it started, its successors included, is in its process group. */
  readonly group: number | undefined
}

const TRIM_EVERY_MS = 5000
const FIRST_BACK_OFF_MS = 1000
const LONGEST_BACK_OFF_MS = 30_000
/** A child that ran this long had recovered: its next crash is the first of a new row. */
const RECOVERED_MS = 10_000
/** What is no child of this process ends without a word. */
const SUCCESSOR_POLL_MS = 100

export class ManagedProcess {
  readonly name: string
  readonly log: ProcessLog
  readonly #host: LauncherHost
  readonly #options: ManagedProcessOptions
  #current: Current | null = null
  #exited: Promise<ProcessExit> | null = null
  #backOffMs: number
  #startedAt = 0
  #logStart = 0
  #restartTimer: Timer | null = null
  #trimTimer: Timer | null = null
  #stopping = false

  constructor(host: LauncherHost, options: ManagedProcessOptions) {
    this.name = options.name
    this.#host = host
    this.#options = options
    this.#backOffMs = this.#firstBackOffMs
    this.log = new ProcessLog(host.stateDir, options.name)
  }

  get pid(): number | undefined {
    return this.#current?.pid
  }

  get running(): boolean {
    return this.#current !== null
  }

  start(): void {
    if (this.#stopping) return
    const { command, cwd, env, inheritOutput } = this.#options
    this.#startedAt = this.#host.clock.now()
    const output = inheritOutput ? null : this.log.open()
    this.#logStart = this.log.size()
    if (output !== null) this.#trimLater()
    const child = spawn(command[0] ?? '', command.slice(1), {
      cwd,
      env: { ...env },
      // A group of its own: Ctrl-C in the terminal is the launcher's to handle, in its own order.
      detached: true,
      stdio: output === null ? 'inherit' : ['ignore', output, output],
    })
    if (output !== null) closeSync(output)
    const current: Current = { pid: child.pid, group: child.pid }
    this.#current = current
    this.#exited = new Promise(resolve => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
      child.once('error', error => {
        // The system's ENOENT does not say which of the two it is that is not there.
        const missing = existsSync(cwd) ? error.message : `its working directory ${cwd} does not exist`
        resolve({ code: null, signal: null, error: missing })
      })
    })
    void this.#exited.then(exit => this.#onExit(current, exit))
    if (child.pid === undefined) return
    this.#host.reaper.add(child.pid)
    this.#record(child.pid)
  }

  get #firstBackOffMs(): number {
    return this.#options.firstBackOffMs ?? FIRST_BACK_OFF_MS
  }

  /** Resolves when the child that runs now has ended; at once where none runs. */
  exited(): Promise<ProcessExit> {
    return this.#exited ?? Promise.resolve({ code: 0, signal: null })
  }

  /** Resolves when the program runs, or has failed to. */
  async spawned(): Promise<void> {
    if (this.#current?.pid === undefined) await this.#exited
  }

  signal(signal: NodeJS.Signals): void {
    const group = this.#current?.group
    if (group !== undefined) killGroup(group, signal)
  }

  /** SIGTERM, and SIGKILL after `graceMs`; resolves when the child and all it started are gone. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    this.#restartTimer?.cancel()
    const { clock } = this.#host
    const deadline = clock.now() + graceMs
    this.signal('SIGTERM')
    // Where the child has a successor, both were told, and both are waited for.
    while (this.#current !== null && this.#exited !== null) {
      if (await settlesWithin(clock, Math.max(0, deadline - clock.now()), this.#exited)) continue
      this.#host.say(`${this.name} did not end within ${graceMs / 1000} s and is killed`)
      this.signal('SIGKILL')
      await this.#exited
    }
    removeProcessRecord(this.#host.stateDir, this.name)
  }

  /** No grace at all; for the second Ctrl-C. */
  kill(): void {
    this.#stopping = true
    this.#restartTimer?.cancel()
    this.signal('SIGKILL')
    removeProcessRecord(this.#host.stateDir, this.name)
  }

  /** Why it ended, for a person: the exit, and the last line it wrote. */
  describeExit(exit: ProcessExit): string {
    if (exit.error !== undefined) return `${this.name} could not be started: ${exit.error}`
    if (exit.signal !== null) return `${this.name} ended by ${exit.signal}`
    const last = this.#options.inheritOutput ? undefined : this.log.tail(1, this.#logStart)[0]
    const how = exit.code === null ? 'ended' : `ended with code ${exit.code}`
    return `${this.name} ${how}${last === undefined ? '' : `: ${last.trim().replace(/^weft: /, '')}`}`
  }

  #record(pid: number, group = pid): ProcessRecord {
    const { name, role, ports, workload, namespace } = this.#options
    return writeProcessRecord(this.#host.stateDir, {
      name,
      role,
      pid,
      ...(group === pid ? {} : { group }),
      ports,
      ...(workload === undefined ? {} : { workload }),
      ...(namespace === undefined ? {} : { namespace }),
      startedAt: new Date(this.#host.clock.wallNow()).toISOString(),
    })
  }

  #onExit(current: Current, exit: ProcessExit): void {
    if (this.#current !== current) return
    const { pid, group } = current
    const successor = this.#options.successor?.()
    if (group !== undefined && successor !== undefined && successor !== pid) {
      this.#follow(successor, group)
      return
    }
    this.#current = null
    this.#trimTimer?.cancel()
    if (group !== undefined) {
      // What it started itself goes with it: the pid of a group's leader is not given away while the group lives.
      killGroup(group, 'SIGKILL')
      this.#host.reaper.remove(group)
    }
    this.#options.onExit?.(exit)
    if (this.#stopping || !this.#options.restart) {
      removeProcessRecord(this.#host.stateDir, this.name)
      return
    }
    if (this.#host.clock.now() - this.#startedAt > RECOVERED_MS) this.#backOffMs = this.#firstBackOffMs
    this.#host.say(`${this.describeExit(exit)}; starting it again in ${this.#backOffMs / 1000} s`)
    this.#restartTimer = this.#host.clock.setTimer(this.#backOffMs, () => void this.#startAgain())
    this.#backOffMs = Math.min(LONGEST_BACK_OFF_MS, this.#backOffMs * 2)
  }

  /** A hot restart is no exit: whoever waits for one waits for the successor's. */
  #follow(pid: number, group: number): void {
    const current: Current = { pid, group }
    const record = this.#record(pid, group)
    this.#current = current
    this.#startedAt = this.#host.clock.now()
    this.#exited = this.#gone(record)
    void this.#exited.then(exit => this.#onExit(current, exit))
  }

  /** How it ended is its parent's to know. */
  async #gone(record: ProcessRecord): Promise<ProcessExit> {
    while (isRunning(record)) await delay(this.#host.clock, SUCCESSOR_POLL_MS)
    return { code: null, signal: null }
  }

  /** An access log under load fills a disk. */
  #trimLater(): void {
    this.#trimTimer = this.#host.clock.setTimer(TRIM_EVERY_MS, () => {
      try {
        if (this.log.trim()) this.#logStart = 0
      } catch (error) {
        this.#host.say(`${this.log.file} cannot be shortened: ${error instanceof Error ? error.message : error}`)
      }
      this.#trimLater()
    })
  }

  async #startAgain(): Promise<void> {
    await this.#options.beforeRestart?.().catch(() => {})
    if (this.#stopping) return
    this.start()
    this.#options.onRestart?.()
  }
}

export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal)
  } catch {
    // Gone already.
  }
}
