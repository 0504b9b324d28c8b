// One thing that is done to both proxies, and what was seen of it on either.
import type { Http1Dialogue } from './http1/client.ts'
import type { Http2Dialogue } from './http2/client.ts'
import type { FramesDialogue } from './http2/frames-client.ts'
import type { ScriptDialogue } from './script/script.ts'
import type { LogEntry } from './side.ts'
import type { Talk } from './talk.ts'
import type { Received } from './upstreams.ts'

export type Dialogue = Http1Dialogue | Http2Dialogue | FramesDialogue | ScriptDialogue

export interface DifferentialCase {
  /** Known differences name cases by it: `retry/reset-twice`, or for a generated one `generated/SEED/12`. */
  readonly name: string
  readonly listener: string
  readonly dialogue: Dialogue
  /** What stands in the config for it, for the report. */
  readonly config?: unknown
  /** The `x-case` of its requests: it takes its time, and is done at the same time as others. */
  readonly beside?: string
  /** What is seen of it hangs on how long something takes: a time-out, or a threshold of the access log. */
  readonly timed?: true
}

/** Whether a machine that is busy for a moment may change what is seen. */
export function isTimed({ beside, timed, dialogue }: DifferentialCase): boolean {
  return beside !== undefined || timed === true || (dialogue.protocol !== 'frames' && waits(dialogue))
}

/** For an answer that is told to come late. */
function waits(dialogue: Dialogue): boolean {
  return /delayMs/i.test(JSON.stringify(dialogue))
}

export interface Observation {
  readonly talk: Talk
  readonly received: readonly Received[]
  /** Entries of the access log, without those of the probe. */
  readonly log: readonly LogEntry[]
}
