// A kind of a virtual host's requests, as the streams that are of it know it.

/** What is counted of a stream at its end. */
export interface StreamOutcome {
  readonly attemptCount: number
  readonly responseFlags: number
  readonly responseCode: number
  readonly duration: number
}

export interface VirtualCluster {
  /** Null: what belongs to none. */
  readonly name: string | null
  count(outcome: StreamOutcome): void
}
