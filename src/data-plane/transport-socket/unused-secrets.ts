// Secrets that config names no more: they go once the connections of that config have ended.
import type { Clock, Timer } from '../../base/clock.ts'
import { isOwnSecret, type SecretStore } from './secret-store.ts'

export class UnusedSecrets {
  readonly #store: SecretStore
  readonly #clock: Clock
  readonly #drainTimeMs: number
  #wanted: ReadonlySet<string> = new Set()
  /** Nobody has wanted these since the timer was set. */
  #unused = new Set<string>()
  #timer: Timer | null = null

  constructor(store: SecretStore, clock: Clock, drainTimeMs: number) {
    this.#store = store
    this.#clock = clock
    this.#drainTimeMs = drainTimeMs
  }

  /** From now on these, beside the proxy's own. */
  want(names: readonly string[]): void {
    this.#wanted = new Set(names)
    for (const name of names) this.#unused.delete(name)
    if (this.#timer === null) this.#watch()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #watch(): void {
    const { keyPairs, trustedCas } = this.#store.names()
    this.#unused = new Set([...keyPairs, ...trustedCas].filter(name => !this.#wanted.has(name) && !isOwnSecret(name)))
    this.#timer = this.#unused.size > 0 ? this.#clock.setTimer(this.#drainTimeMs, () => this.#sweep()) : null
  }

  #sweep(): void {
    for (const name of this.#unused) this.#store.remove(name)
    this.#watch()
  }
}
