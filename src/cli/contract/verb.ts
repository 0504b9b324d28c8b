// One verb of the command line, as the registry lists it: known by name at once, loaded when it is called.
import type { Command } from 'commander'
import type { CliContext } from './cli-context.ts'

export type CommandFactory = (context: CliContext) => Command

export interface Verb {
  readonly name: string
  readonly summary: string
  /** Not listed in the help: for the mesh's own use. */
  readonly hidden?: boolean
  readonly load: () => Promise<CommandFactory>
}
