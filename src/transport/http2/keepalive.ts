// Finds out whether a peer is still there (Envoy's connection_keepalive): a PING now and then, and an end to the connection
// when nothing at all has come for too long after it. Any frame counts: an answer may be stuck behind a large one.
import type { Random } from '../../base/random.ts'
import { type TimerWheel, WheelTimer } from '../../base/timer-wheel.ts'
import { closeBatch, openBatch } from '../http/write-batch.ts'

/** Milliseconds. */
export interface KeepaliveSettings {
  /** From one answer to the next PING; 0: none is sent for the time that has passed. */
  readonly interval: number
  /** Up to so much is added to each interval. */
  readonly jitter: number
  readonly timeout: number
  /** A stream that is opened after so long a silence has a PING sent ahead of it; 0: none. */
  readonly idleInterval: number
}

export interface KeepaliveOwner {
  sendPing(): void
  onKeepaliveTimeout(): void
}

export class Keepalive {
  readonly #owner: KeepaliveOwner
  readonly #settings: KeepaliveSettings
  readonly #wheel: TimerWheel
  readonly #random: Random
  readonly #timer = new WheelTimer(this, 0)
  #isAsked = false
  #heardAt: number

  constructor(owner: KeepaliveOwner, settings: KeepaliveSettings, wheel: TimerWheel, random: Random) {
    this.#owner = owner
    this.#settings = settings
    this.#wheel = wheel
    this.#random = random
    this.#heardAt = wheel.now()
    this.#rest()
  }

  /** Bytes have come. */
  onReceived(): void {
    this.#heardAt = this.#wheel.now()
    if (this.#isAsked) this.#wheel.set(this.#timer, this.#settings.timeout)
  }

  onAnswer(): void {
    this.#isAsked = false
    this.#wheel.cancel(this.#timer)
    this.#rest()
  }

  /** A stream is about to be opened. */
  onStream(): void {
    const { idleInterval } = this.#settings
    if (idleInterval > 0 && !this.#isAsked && this.#wheel.now() - this.#heardAt > idleInterval) this.#ask()
  }

  stop(): void {
    this.#wheel.cancel(this.#timer)
  }

  onTimer(): void {
    openBatch()
    if (this.#isAsked) this.#owner.onKeepaliveTimeout()
    else this.#ask()
    closeBatch()
  }

  #ask(): void {
    this.#isAsked = true
    this.#owner.sendPing()
    this.#wheel.set(this.#timer, this.#settings.timeout)
  }

  #rest(): void {
    const { interval, jitter } = this.#settings
    if (interval > 0) this.#wheel.set(this.#timer, interval + this.#random.next() * jitter)
  }
}
