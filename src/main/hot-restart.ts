// The hot restart of a proxy, as the process sees it that is to be replaced.
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import type { ServerState } from '../data-plane/admin/admin-pages.ts'
import { allSockets, type Inheritance } from './inheritance.ts'
import type { Successor } from './successor.ts'

/** The process to be replaced. */
export interface HotRestartHost {
  readonly clock: Clock
  readonly log: Log
  state(): ServerState
  isStopping(): boolean
  /** Its sockets stay open until `release`. */
  legacy(): Promise<Inheritance>
  release(): void
  /** The successor is live: drains, and ends. */
  handOver(): Promise<void>
  /** No successor is live after all: this process is still the one in charge. */
  stayInCharge(): void
  fail(error: unknown): void
}

export class HotRestart {
  readonly #host: HotRestartHost
  readonly #highestInherited: number
  #underWay = false
  /** While it is not live. */
  #successor: Successor | null = null

  constructor(host: HotRestartHost, inheritance: Inheritance) {
    this.#host = host
    this.#highestInherited = Math.max(-1, ...allSockets(inheritance).map(({ fd }) => fd))
  }

  /** Says why it does not begin, or null. */
  begin(): string | null {
    const refusal = this.#refusal()
    if (refusal !== null) this.#host.log.warn('no hot restart', { why: refusal })
    else this.#replace().catch(error => this.#failed((error as Error).message))
    return refusal
  }

  /** One that is not live yet would take over from nobody. */
  abort(): void {
    this.#successor?.abort()
  }

  #refusal(): string | null {
    const state = this.#host.state()
    if (process.platform === 'win32') return 'Windows passes no sockets on to a child process'
    if (this.#host.isStopping()) return 'this process is stopping'
    if (this.#underWay) return 'a hot restart is under way'
    return state === 'LIVE' ? null : `the state is ${state}, not LIVE`
  }

  async #replace(): Promise<void> {
    this.#underWay = true
    const host = this.#host
    const { Successor } = await import('./successor.ts')
    let legacy: Inheritance
    let successor: Successor
    try {
      legacy = await host.legacy()
      if (host.isStopping()) return
      successor = new Successor(host.clock, legacy, this.#highestInherited)
    } finally {
      host.release()
    }
    this.#successor = successor
    host.log.info('hot restart', { epoch: legacy.epoch, pid: successor.pid ?? 0 })
    const failure = await successor.live
    this.#successor = null
    if (failure !== null) {
      this.#failed(failure)
      return
    }
    host.log.info('the successor is live', { pid: successor.pid ?? 0 })
    // Nobody accepts once it is gone: whoever minds this process is to hear of it soon.
    void successor.ended.then(how => host.fail(new CommandFailure(`the successor ${how}`)))
    await host.handOver()
  }

  /** All goes on as if nothing had been. */
  #failed(why: string): void {
    this.#underWay = false
    if (this.#host.isStopping()) return
    this.#host.log.error('hot restart failed', { why })
    this.#host.stayInCharge()
  }
}
