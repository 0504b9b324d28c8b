// Internal redirects that a client's request has been through, from one stream to the next (Envoy keeps them as filter state).

export class RedirectHistory {
  /** Followed so far. */
  count = 0
  /** Route, route it went on to, route, ... */
  readonly #steps: string[] = []

  /** False where `route` has gone on to `target` before. */
  add(route: string, target: string): boolean {
    const steps = this.#steps
    for (let i = 0; i < steps.length; i += 2) if (steps[i] === route && steps[i + 1] === target) return false
    steps.push(route, target)
    return true
  }
}
