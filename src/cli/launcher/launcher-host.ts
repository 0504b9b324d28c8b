// What every part of a launcher shares: where it keeps things, what time it is, and how it speaks of what happens.
import type { Clock } from '../../base/clock.ts'
import type { Reaper } from './reaper.ts'

export interface LauncherHost {
  /** Absolute. */
  readonly stateDir: string
  /** Where relative paths begin, for the launcher and its processes. */
  readonly cwd: string
  readonly clock: Clock
  readonly fetch: typeof fetch
  /** The command that starts this program again. */
  readonly self: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly reaper: Reaper
  /** One line for the person who watches. */
  readonly say: (line: string) => void
}
