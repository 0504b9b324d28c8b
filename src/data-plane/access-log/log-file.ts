// Where access logs go, handed in: production appends to files, a test keeps the text.
import { openSync } from 'node:fs'
import type { Clock } from '../../base/clock.ts'
import { AppendingFile } from './appending-file.ts'

export interface LogFile {
  /**
   * Appends in the order of the calls. Never blocks for long, never throws. `done`: the bytes are the caller's again;
   * `whole` is false when they are lost, or some of them.
   */
  write(bytes: Buffer, done: (bytes: Buffer, whole: boolean) => void): void
  /** Ends when everything written is out, or lost for good. */
  close(): Promise<void>
}

export interface LogFiles {
  /** Opens for appending, `/dev/stdout` and `/dev/stderr` included. Throws the system's error when it cannot. */
  open(path: string): LogFile
}

const STANDARD: Readonly<Record<string, number>> = { '/dev/stdout': 1, '/dev/stderr': 2 }

/** Files of the system. */
export function systemLogFiles(clock: Clock): LogFiles {
  return {
    open(path) {
      const standard = STANDARD[path]
      return standard === undefined
        ? new AppendingFile(openSync(path, 'a', 0o644), clock, { owned: true })
        : new AppendingFile(standard, clock, { owned: false })
    },
  }
}
