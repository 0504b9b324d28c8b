// The host of a launcher: its state directory made and found writable.
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import type { LauncherHost } from './launcher-host.ts'
import { Reaper } from './reaper.ts'

export interface LauncherHostOptions {
  /** As given. */
  readonly state: string
  readonly say: (line: string) => void
}

/** Throws CommandFailure when the state directory cannot be had. */
export function openLauncherHost(context: CliContext, options: LauncherHostOptions): LauncherHost {
  const stateDir = resolve(context.cwd, options.state)
  try {
    for (const directory of ['processes', 'logs']) {
      mkdirSync(join(stateDir, directory), { recursive: true })
      accessSync(join(stateDir, directory), constants.W_OK)
    }
  } catch (error) {
    throw new CommandFailure(
      `WEFT-3007: the state directory ${options.state} cannot be used: ${error instanceof Error ? error.message : error}`,
    )
  }
  return {
    stateDir,
    cwd: context.cwd,
    clock: context.clock,
    fetch: context.fetch,
    self: context.self,
    env: context.env,
    reaper: new Reaper(),
    say: options.say,
  }
}
