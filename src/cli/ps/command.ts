// weft ps: every process of this mesh, from the records that launchers keep.
import { resolve } from 'node:path'
import { Command } from 'commander'
import { stateOption } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { isRunning, readProcessRecords } from '../launcher/process-record.ts'
import { formatAge } from '../output/age.ts'
import { type OutputForm, outputOption, printData } from '../output/print-data.ts'

interface PsOptions {
  readonly state: string
  readonly output: OutputForm
}

export function psCommand(context: CliContext): Command {
  return new Command('ps')
    .description('List the processes of this mesh: name, role, pid, ports.')
    .addOption(stateOption())
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  weft ps -o json')
    .action((options: PsOptions) => {
      const running = readProcessRecords(resolve(context.cwd, options.state)).filter(isRunning)
      const processes = running.map(({ began: _began, ...shown }) => shown)
      printData(context, options.output, { processes }, () => ({
        header: ['NAME', 'ROLE', 'PID', 'AGE', 'PORTS'],
        rows: processes.map(each => [
          each.name,
          each.role,
          String(each.pid),
          formatAge(each.startedAt, context.clock.wallNow()),
          Object.entries(each.ports)
            .map(([name, port]) => `${name}:${port}`)
            .join(' '),
        ]),
        none: `no process of a mesh runs from ${options.state}`,
      }))
    })
}
