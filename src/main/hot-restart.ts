// The hot restart of a proxy, as the process sees it that is to be replaced.
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import type { ServerState } from '../data-plane/admin/admin-pages.ts'
import type { Inheritance } from './inheritance.ts'
import type { StartedSuccessor } from './successor.ts'

/** The process to be replaced. */
export interface HotRestartHost {
  readonly clock: Clock
  readonly log: Log
  state(): ServerState
  isStopping(): boolean
  /** Its sockets stay open until `release`, or the handover. */
  legacy(): Promise<Inheritance>
  start(legacy: Inheritance): Promise<StartedSuccessor>
  /** Nothing more is bound until `release`. False when something has come since `legacy`. */
  freeze(): Promise<boolean>
  release(): void
  /** The successor is live: closes every listening socket, says so, drains, and ends. */
  handOver(closed: () => void): Promise<void>
  /** No successor is live after all: this process is still the one in charge. */
  stayInCharge(): void
  fail(error: unknown): void
}

/** A successor that has been overtaken by config is started again; where config does not come to rest, later is better. */
const MAX_ATTEMPTS = 5
const OUTDATED = 'config has brought a listener meanwhile'

export class HotRestart {
  readonly #host: HotRestartHost
  #underWay = false
  /** While it is not live. */
  #successor: StartedSuccessor | null = null

  constructor(host: HotRestartHost) {
    this.#host = host
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
    if (!this.#successor) return
    this.#successor.abort()
    this.#host.release()
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
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#attempt()
      if (failure === null) return
      if (failure !== OUTDATED || attempt === MAX_ATTEMPTS) return this.#failed(failure)
      this.#host.log.info('the successor is started again', { why: failure })
    }
  }

  /** Why nobody has taken over, or null when this process has come to its end. */
  async #attempt(): Promise<string | null> {
    const host = this.#host
    const legacy = await host.legacy()
    if (host.isStopping()) return 'this process is stopping'
    const successor = await host.start(legacy)
    this.#successor = successor
    if (host.isStopping()) successor.abort()
    host.log.info('hot restart', { epoch: legacy.epoch, pid: successor.pid ?? 0 })
    const failure = (await successor.ready) ?? (await this.#letTakeOver(successor))
    this.#successor = null
    if (failure !== null) {
      // What it has inherited stays bound for as long as it runs.
      successor.kill()
      await successor.ended
      host.release()
      return failure
    }
    host.log.info('the successor is live', { pid: successor.pid ?? 0 })
    // Nobody accepts once it is gone: whoever minds this process is to hear of it soon. It may have a successor itself.
    void successor.ended.then(({ how, orderly }) => {
      if (!orderly) host.fail(new CommandFailure(`the successor ${how}`))
    })
    await host.handOver(() => successor.letGo())
    return null
  }

  /** Only one that has every socket may: what it lacked would be closed under its clients. */
  async #letTakeOver(successor: StartedSuccessor): Promise<string | null> {
    if (!(await this.#host.freeze())) return OUTDATED
    successor.letTakeOver()
    return successor.live
  }

  /** All goes on as if nothing had been. */
  #failed(why: string): void {
    this.#underWay = false
    this.#host.release()
    if (this.#host.isStopping()) return
    this.#host.log.error('hot restart failed', { why })
    this.#host.stayInCharge()
  }
}
