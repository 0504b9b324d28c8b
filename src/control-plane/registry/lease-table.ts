// Who said lately that it is alive. Renewals stay in memory: they are many, and worth nothing after a restart.
import type { Clock, Timer } from '../../base/clock.ts'

interface Lease {
  readonly durationMs: number
  expiresAt: number
}

/** How often leases are looked at; with the lease's own 2 s a dead instance is out well within 3 s. */
const SWEEP_MS = 250
/** A sweep this late means that this process stood still and could hear no renewal. */
const STALL_MS = 500

export class LeaseTable {
  readonly #clock: Clock
  readonly #onExpired: (id: string) => void
  readonly #leases = new Map<string, Lease>()
  #lastSweep: number
  #timer: Timer

  constructor(clock: Clock, onExpired: (id: string) => void) {
    this.#clock = clock
    this.#onExpired = onExpired
    this.#lastSweep = clock.now()
    this.#timer = clock.setTimer(SWEEP_MS, this.#sweep)
  }

  /** `firstMs`: a longer first period, for those who do not know yet that they must renew here. */
  grant(id: string, durationMs: number, firstMs = durationMs): void {
    this.#leases.set(id, { durationMs, expiresAt: this.#clock.now() + firstMs })
  }

  /** False: no such lease. */
  renew(id: string): boolean {
    const lease = this.#leases.get(id)
    if (lease === undefined) return false
    // A renewal never shortens the grace of a restart.
    lease.expiresAt = Math.max(lease.expiresAt, this.#clock.now() + lease.durationMs)
    return true
  }

  drop(id: string): void {
    this.#leases.delete(id)
  }

  durationMs(id: string): number | undefined {
    return this.#leases.get(id)?.durationMs
  }

  close(): void {
    this.#timer.cancel()
  }

  readonly #sweep = (): void => {
    const now = this.#clock.now()
    const late = now - this.#lastSweep - SWEEP_MS
    this.#lastSweep = now
    this.#timer = this.#clock.setTimer(SWEEP_MS, this.#sweep)
    for (const [id, lease] of this.#leases) {
      if (late > STALL_MS) lease.expiresAt = Math.max(lease.expiresAt, now + lease.durationMs)
      if (lease.expiresAt > now) continue
      this.#leases.delete(id)
      this.#onExpired(id)
    }
  }
}
