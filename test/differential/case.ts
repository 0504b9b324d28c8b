// One thing that is done to both proxies, and what was seen of it on either.
import type { Http1Dialogue, Http1Talk } from './http1/client.ts'
import type { Received } from './http1/upstream.ts'
import type { LogEntry } from './side.ts'

export interface DifferentialCase {
  /** Known differences name cases by it: `retry/reset-twice`, or for a generated one `generated/SEED/12`. */
  readonly name: string
  readonly listener: string
  readonly http1: Http1Dialogue
  /** What stands in the config for it, for the report. */
  readonly config?: unknown
}

export interface Observation {
  readonly talk: Http1Talk
  readonly received: readonly Received[]
  /** Entries of the access log, without those of the probe. */
  readonly log: readonly LogEntry[]
}
