// The Date field's value (RFC 9110 5.6.7), made once a second.
import type { Clock } from './clock.ts'

export class HttpDate {
  readonly #clock: Clock
  #second = -1
  #text = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `Sun, 06 Nov 1994 08:49:37 GMT` for now. */
  now(): string {
    const second = Math.floor(this.#clock.wallNow() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#text = new Date(second * 1000).toUTCString()
    }
    return this.#text
  }
}
