// Coarse timers for streams and connections: setting, moving and cancelling one is a few loads and stores, and one
// timer of the clock drives them all. A timer fires up to one tick late, never early.
import type { Clock, Timer } from './clock.ts'

export interface WheelTimerTarget {
  onTimer(timer: WheelTimer): void
}

/** One timer, owned by its target and set again and again; `purpose` tells a target's timers apart. */
export class WheelTimer {
  readonly target: WheelTimerTarget
  readonly purpose: number
  /** Monotonic milliseconds; Infinity while not set. */
  deadline = Number.POSITIVE_INFINITY
  /** When its slot is due: earlier than the deadline after the deadline was moved on. */
  slotDue = 0
  previous: WheelTimer | null = null
  next: WheelTimer | null = null
  slot = -1

  constructor(target: WheelTimerTarget, purpose: number) {
    this.target = target
    this.purpose = purpose
  }

  get isSet(): boolean {
    return this.slot >= 0
  }
}

const TICK_MS = 5
const SLOTS = 1024

/**
 * A hashed wheel: slot = due tick modulo the number of slots. A timer that is moved to a later time stays in its slot and
 * moves on when that comes due, so that "restart the idle timer" on every event costs one store.
 */
export class TimerWheel {
  readonly #clock: Clock
  readonly #slots: (WheelTimer | null)[] = new Array<WheelTimer | null>(SLOTS).fill(null)
  #tick: number
  #count = 0
  #driver: Timer | null = null
  readonly #onTick = (): void => this.#turn()

  static readonly #wheels = new WeakMap<Clock, TimerWheel>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#tick = Math.floor(clock.now() / TICK_MS)
  }

  /** The wheel that everything on this clock shares. */
  static of(clock: Clock): TimerWheel {
    let wheel = TimerWheel.#wheels.get(clock)
    if (!wheel) {
      wheel = new TimerWheel(clock)
      TimerWheel.#wheels.set(clock, wheel)
    }
    return wheel
  }

  /** Monotonic milliseconds, as of its clock. */
  now(): number {
    return this.#clock.now()
  }

  /** Sets or moves the timer to `delayMs` from now. */
  set(timer: WheelTimer, delayMs: number): void {
    const deadline = this.#clock.now() + delayMs
    timer.deadline = deadline
    if (timer.slot >= 0) {
      if (timer.slotDue <= deadline) return
      this.#unlink(timer)
    }
    this.#link(timer)
  }

  cancel(timer: WheelTimer): void {
    timer.deadline = Number.POSITIVE_INFINITY
    if (timer.slot >= 0) this.#unlink(timer)
  }

  /** Timers that are set. */
  get size(): number {
    return this.#count
  }

  #link(timer: WheelTimer): void {
    if (this.#driver === null) {
      this.#tick = Math.floor(this.#clock.now() / TICK_MS)
      this.#driver = this.#clock.setTimer(TICK_MS, this.#onTick)
    }
    // Rounded up, so that nothing fires early; never the current tick, which is being turned or has been.
    const tick = Math.max(Math.ceil(timer.deadline / TICK_MS), this.#tick + 1)
    const slot = tick & (SLOTS - 1)
    timer.slot = slot
    timer.slotDue = tick * TICK_MS
    timer.previous = null
    timer.next = this.#slots[slot] ?? null
    if (timer.next) timer.next.previous = timer
    this.#slots[slot] = timer
    this.#count++
  }

  #unlink(timer: WheelTimer): void {
    if (timer.previous) timer.previous.next = timer.next
    else this.#slots[timer.slot] = timer.next
    if (timer.next) timer.next.previous = timer.previous
    timer.previous = null
    timer.next = null
    timer.slot = -1
    this.#count--
  }

  #turn(): void {
    const now = this.#clock.now()
    const last = Math.floor(now / TICK_MS)
    // After a long stall one revolution visits every slot.
    const first = Math.max(this.#tick + 1, last - SLOTS + 1)
    for (let tick = first; tick <= last; tick++) {
      this.#tick = tick
      this.#fireSlot(tick & (SLOTS - 1), now)
    }
    this.#driver = this.#count > 0 ? this.#clock.setTimer(TICK_MS, this.#onTick) : null
  }

  #fireSlot(slot: number, now: number): void {
    let timer: WheelTimer | null = this.#slots[slot] ?? null
    // Taken off whole: a target may set and cancel timers of this very slot while it is called.
    this.#slots[slot] = null
    const due: WheelTimer[] = []
    while (timer) {
      const next = timer.next
      timer.previous = null
      timer.next = null
      timer.slot = -1
      this.#count--
      if (timer.deadline <= now) due.push(timer)
      else this.#link(timer)
      timer = next
    }
    for (const expired of due) {
      // Cancelled or set anew by a target called before it.
      if (expired.slot >= 0 || expired.deadline > now) continue
      expired.deadline = Number.POSITIVE_INFINITY
      expired.target.onTimer(expired)
    }
  }
}
