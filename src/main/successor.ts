// The process that takes the place of this one: the same command line, which may be a newer program by now, with every
// listening socket as an inherited file descriptor.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock } from '../base/clock.ts'
import type { ListeningDescriptor } from '../transport/net/inheritable-network.ts'
import { asEnvironment, type Inheritance } from './inheritance.ts'

/** Standard streams, and the channel on which it says that it is live. */
const FIRST_SOCKET_FD = 4
const LIVE_TIMEOUT_MS = 60_000
const KILL_AFTER_MS = 10_000

export class Successor {
  /** Null once it is live; else why it never will be: then it is gone, or told to go. */
  readonly live: Promise<string | null>
  /** How it ended, should it do so while this process still runs. */
  readonly ended: Promise<string>
  readonly #child: ChildProcess
  readonly #clock: Clock

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
    const ended = Promise.withResolvers<string>()
    this.ended = ended.promise
    this.#child.once('error', error => ended.resolve(error.message))
    this.#child.once('exit', (code, signal) => ended.resolve(signal ? `ended by ${signal}` : `ended with code ${code}`))
    this.live = this.#becomesLive()
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** It is not to take over after all. */
  abort(): void {
    this.#child.kill('SIGTERM')
    const timer = this.#clock.setTimer(KILL_AFTER_MS, () => this.#child.kill('SIGKILL'))
    void this.ended.then(() => timer.cancel())
  }

  #becomesLive(): Promise<string | null> {
    return new Promise(resolve => {
      const timer = this.#clock.setTimer(LIVE_TIMEOUT_MS, () => {
        this.abort()
        resolve(`not live within ${LIVE_TIMEOUT_MS / 1000} s`)
      })
      const settle = (outcome: string | null): void => {
        timer.cancel()
        // Nothing more is said; this process may end without the other noticing.
        if (this.#child.connected) this.#child.disconnect()
        resolve(outcome)
      }
      this.#child.once('message', () => {
        this.#child.unref()
        settle(null)
      })
      void this.ended.then(settle)
    })
  }
}
