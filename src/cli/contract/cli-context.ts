// What a verb has of the world: its output, its clock, and the processes it can start. Nothing else is reached for.
import type { Command } from 'commander'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { ProcessStarters } from './process-starters.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export interface CliContext {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly readStdin: () => Promise<string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly clock: Clock
  readonly random: Random
  readonly fetch: typeof fetch
  /** The command that starts this very program again: Node, its flags, the entry file. */
  readonly self: readonly string[]
  /** Calls back at each signal to stop; the listener decides. Returns a function that takes it off again. */
  readonly onStopSignal: (listener: (signal: StopSignal) => void) => () => void
  readonly starters: ProcessStarters
  /** Every verb's command, loaded: for completions. */
  readonly allCommands: () => Promise<readonly Command[]>
}
