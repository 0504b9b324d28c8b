// One bound address. Listeners come and go over it: an update swaps who takes the connections, never the socket.
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { BoundListener, Network } from '../../transport/net/network.ts'
import { connectFailure } from '../../transport/net/system-network.ts'

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 2_000

export class ListeningSocket {
  readonly address: string
  readonly port: number
  readonly #network: Network
  readonly #clock: Clock
  readonly #random: Random
  /** Who takes connections now. */
  onConnection: (socket: Socket) => void
  /** Clients may connect from now on. */
  onBound: () => void = () => {}
  #bound: BoundListener | null = null
  #isBound = false
  #closed = false
  #retry: Timer | null = null
  #attempts = 0
  /** Why the last attempt failed; empty when bound or not tried yet. */
  failure = ''
  /** Ends with the first attempt, whatever its outcome. That a predecessor has to let go of the address first is one. */
  readonly firstAttempt: Promise<void>
  /** Ends when clients may connect, or that attempt has failed, or all is over. */
  readonly firstOutcome: Promise<void>

  constructor(
    place: { readonly address: string; readonly port: number },
    onConnection: (socket: Socket) => void,
    host: { readonly network: Network; readonly clock: Clock; readonly random: Random },
  ) {
    this.address = place.address
    this.port = place.port
    this.onConnection = onConnection
    this.#network = host.network
    this.#clock = host.clock
    this.#random = host.random
    this.firstAttempt = this.#bind()
    this.firstOutcome = this.firstAttempt.then(() => this.#bound?.bound)
  }

  /** 0 until bound. */
  get boundPort(): number {
    return this.#bound?.port ?? 0
  }

  get isBound(): boolean {
    return this.#isBound
  }

  /** Bound, or what a predecessor has yet to make way for. */
  get isGranted(): boolean {
    return this.#bound !== null
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#retry?.cancel()
    this.#isBound = false
    await this.#bound?.close()
    this.#bound = null
  }

  #takeBound(): void {
    if (this.#closed) return
    this.#isBound = true
    this.onBound()
  }

  async #bind(): Promise<void> {
    try {
      const bound = await this.#network.listen(this.address, this.port, socket => this.onConnection(socket))
      this.failure = ''
      if (this.#closed) return await bound.close()
      this.#bound = bound
      if (bound.bound) void bound.bound.then(() => this.#takeBound())
      else this.#takeBound()
    } catch (error) {
      this.failure = connectFailure(error as NodeJS.ErrnoException)
      if (this.#closed) return
      // The port may be on its way out of another's hands: a listener that cannot bind now may bind soon.
      const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempts++) * (1 + this.#random.next() * 0.1)
      this.#retry = this.#clock.setTimer(delay, () => void this.#bind())
    }
  }
}
