// Requests to a cluster that one reporter gave up: issued, and neither finished nor in progress any more. No counter of
// Envoy's holds them, as it counts nothing when a client leaves before the answer.

export class GivenUp {
  /** Issued and not finished, since the first report. */
  #open = 0
  #known = 0

  /**
   * How many more there are than was known. A request may count as finished with its head, and be in progress until its
   * body has ended: the difference is too small for as long, and never too great.
   */
  take(issued: number, finished: number, inProgress: number): number {
    this.#open += issued - finished
    const more = Math.max(0, this.#open - inProgress - this.#known)
    this.#known += more
    return more
  }
}
