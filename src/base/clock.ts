// Time, handed in. Nothing above base/ reads the wall clock or sets a timer by itself (test/architecture.test.ts).

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Monotonic milliseconds with a fraction: for durations and deadlines, never for dates. */
  now(): number
  /** Milliseconds since the Unix epoch: for logs, certificates and revisions. */
  wallNow(): number
  /** Calls back once, after `delayMs`. A timer does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer
}

const ORIGIN_READINGS = 8
/** The engine's timers know no longer one: they would take it for a millisecond. */
const LONGEST_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimer(delayMs, callback) {
    if (delayMs > LONGEST_MS) return setLongTimer(delayMs, callback)
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Of several, one after another. */
function setLongTimer(delayMs: number, callback: () => void): Timer {
  const goOn = (): void => {
    timer = systemClock.setTimer(delayMs - LONGEST_MS, callback)
  }
  let timer = systemClock.setTimer(LONGEST_MS, goOn)
  return { cancel: () => timer.cancel() }
}

/** When this thread's clock began, by one that all threads have in common. */
export function clockOrigin(): number {
  let latest = Number.NEGATIVE_INFINITY
  // A thread that is put off between the two readings finds too early a beginning.
  for (let i = 0; i < ORIGIN_READINGS; i++) {
    latest = Math.max(latest, Number(process.hrtime.bigint()) / 1e6 - performance.now())
  }
  return latest
}

/** Tells the time that it is in the thread whose clock began at `origin`: what threads tell one another holds for all. */
export function clockSince(origin: number): Clock {
  const ahead = clockOrigin() - origin
  return { ...systemClock, now: () => performance.now() + ahead }
}

interface PendingTimer {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that stands still until a test moves it; timers due fire in the order of their time, then of their setting. */
export class FakeClock implements Clock {
  #now = 0
  #order = 0
  readonly #epoch: number
  readonly #pending = new Set<PendingTimer>()

  constructor(epochMs = 1_767_225_600_000) {
    this.#epoch = epochMs
  }

  now(): number {
    return this.#now
  }

  wallNow(): number {
    return this.#epoch + this.#now
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback }
    this.#pending.add(timer)
    return { cancel: () => this.#pending.delete(timer) }
  }

  /** Moves time on by `ms`, firing every timer that falls due on the way, those set meanwhile included. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#nextDue(end); next !== undefined; next = this.#nextDue(end)) {
      this.#pending.delete(next)
      this.#now = next.at
      next.callback()
    }
    this.#now = end
  }

  get pendingTimers(): number {
    return this.#pending.size
  }

  #nextDue(end: number): PendingTimer | undefined {
    let first: PendingTimer | undefined
    for (const timer of this.#pending) {
      if (timer.at > end) continue
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer
    }
    return first
  }
}
