// The process that takes the place of this one: the same command line, which may be a newer program by now, with every
// listening socket as an inherited file descriptor.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock, Timer } from '../base/clock.ts'
import type { ListeningDescriptor } from '../transport/net/inheritable-network.ts'
import { asEnvironment, type Inheritance, SUCCESSION } from './inheritance.ts'

/** Standard streams, and the channel on which the two agree. */
const FIRST_SOCKET_FD = 4
const READY_TIMEOUT_MS = 60_000
/** From the leave to take over: this process binds nothing meanwhile. */
const LIVE_TIMEOUT_MS = 10_000
const KILL_AFTER_MS = 10_000

export interface Ending {
  readonly how: string
  /** It had nothing left to do. */
  readonly orderly: boolean
}

/** What a hot restart has to do with the process it has started. */
export interface StartedSuccessor {
  readonly pid: number | undefined
  /** Null once it has its config and waits for leave to take over; else why it never will be. */
  readonly ready: Promise<string | null>
  /** Null once it accepts; else why it never will. */
  readonly live: Promise<string | null>
  /** How it ended, should it do so while this process still runs. */
  readonly ended: Promise<Ending>
  letTakeOver(): void
  /** Every socket that it has, too, is closed here: nothing more is said, and either may end without the other noticing. */
  letGo(): void
  /** It is not to take over after all. */
  abort(): void
  /** The same for one that may be past listening. */
  kill(): void
}

export class Successor implements StartedSuccessor {
  readonly ready: Promise<string | null>
  readonly live: Promise<string | null>
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  readonly #clock: Clock
  readonly #ready = Promise.withResolvers<string | null>()
  readonly #live = Promise.withResolvers<string | null>()
  #isLive = false
  #deadline: Timer | null = null

  /** `inheritance` numbers the descriptors as they are here; `highestInherited` is the highest that came by inheritance. */
  constructor(clock: Clock, inheritance: Inheritance, highestInherited: number) {
    this.#clock = clock
    const descriptors: number[] = []
    const renumbered = (socket: ListeningDescriptor): ListeningDescriptor => {
      return { ...socket, fd: FIRST_SOCKET_FD + descriptors.push(socket.fd) - 1 }
    }
    const { sockets, workers, admin } = inheritance
    const left: Inheritance = {
      ...inheritance,
      sockets: sockets.map(renumbered),
      workers: workers.map(worker => worker.map(renumbered)),
      admin: admin && renumbered(admin),
    }
    const stdio: (number | 'ignore' | 'inherit' | 'ipc')[] = ['ignore', 'inherit', 'inherit', 'ipc', ...descriptors]
    // A descriptor that was inherited is not closed by exec. One that the successor knows nothing of would keep its port
    // bound for ever, so each such number is taken by something else.
    while (stdio.length <= highestInherited) stdio.push('ignore')
    // In this process group: whoever ends the group, a launcher or a terminal, means the successor, too.
    this.#child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      env: { ...process.env, ...asEnvironment(left) },
      stdio,
    })
    const ended = Promise.withResolvers<Ending>()
    this.ended = ended.promise
    this.#child.once('error', error => ended.resolve({ how: error.message, orderly: false }))
    this.#child.once('exit', (code, signal) =>
      ended.resolve({ how: signal ? `ended by ${signal}` : `ended with code ${code}`, orderly: code === 0 }),
    )
    this.ready = this.#ready.promise
    this.live = this.#live.promise
    this.#allow(READY_TIMEOUT_MS, 'ready')
    void this.ended.then(({ how }) => this.#failed(how))
    // One of an age that asks for no leave is live at its first word. Any other waits from now on.
    this.#child.once('message', () => {
      this.#deadline?.cancel()
      this.#ready.resolve(null)
    })
    this.#child.on('message', message => {
      if (message !== SUCCESSION.live) return
      this.#isLive = true
      this.#deadline?.cancel()
      this.#live.resolve(null)
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  letTakeOver(): void {
    if (this.#isLive) return
    this.#allow(LIVE_TIMEOUT_MS, 'live')
    // That it is gone is heard of by other means.
    if (this.#child.connected) this.#child.send(SUCCESSION.leave, () => {})
  }

  letGo(): void {
    this.#child.unref()
    if (this.#child.connected) this.#child.disconnect()
  }

  abort(): void {
    this.#child.kill('SIGTERM')
    const timer = this.#clock.setTimer(KILL_AFTER_MS, () => this.kill())
    void this.ended.then(() => timer.cancel())
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #allow(ms: number, goal: string): void {
    this.#deadline?.cancel()
    this.#deadline = this.#clock.setTimer(ms, () => this.#failed(`not ${goal} within ${ms / 1000} s`))
  }

  #failed(why: string): void {
    this.#deadline?.cancel()
    this.#ready.resolve(why)
    this.#live.resolve(why)
  }
}
