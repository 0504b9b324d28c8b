// The last answers of mirrors that were not what the client got: for the admin interface, and no more of them than people
// read.

export interface ValuePair {
  /** As the client was answered; empty: not at all. */
  readonly answer: string
  readonly mirror: string
}

export interface MirrorDifference {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly route: string
  /** Clusters. */
  readonly upstream: string
  readonly mirror: string
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly requestId: string
  readonly status: ValuePair | null
  /** By name; trailers among them. */
  readonly headers: Readonly<Record<string, ValuePair>>
  /** `1234 bytes, sha256 0a1b…` */
  readonly body: ValuePair | null
}

const MAX_DIFFERENCES = 100

export class MirrorDifferences {
  readonly #last: MirrorDifference[] = []

  add(difference: MirrorDifference): void {
    if (this.#last.length === MAX_DIFFERENCES) this.#last.shift()
    this.#last.push(difference)
  }

  /** Oldest first. */
  get last(): readonly MirrorDifference[] {
    return this.#last.slice()
  }
}

/** Of several event loops: the newest first. */
export function latestOf(lists: readonly (readonly MirrorDifference[])[]): readonly MirrorDifference[] {
  return lists
    .flat()
    .sort((a, b) => b.at - a.at)
    .slice(0, MAX_DIFFERENCES)
}
