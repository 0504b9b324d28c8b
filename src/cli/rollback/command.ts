// weft rollback: the configuration as it was at an earlier revision, as a new revision.
import { Command } from 'commander'
import type { ApplyAnswer } from '../client/api-answer.ts'
import { addMeshOptions, connectToMesh, type MeshOptions } from '../client/mesh-location.ts'
import { waitForPropagation } from '../client/propagation.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { parsePositive } from '../contract/option-parsers.ts'
import { formatChange } from '../output/config-change.ts'
import { formatProblems } from '../output/print-problems.ts'

interface RollbackOptions extends MeshOptions {
  readonly wait?: boolean
}

const WAIT_MS = 30_000

export function rollbackCommand(context: CliContext): Command {
  const command = new Command('rollback')
    .description('Bring the configuration back to what it was at REVISION; "weft history" lists them.')
    .argument('<revision>', 'number of the revision', parsePositive)
    .option('--wait', 'return when every proxy concerned has acknowledged it')
  return addMeshOptions(command)
    .addHelpText('after', '\nExample:\n  weft rollback 3 --wait')
    .action(async (revision: number, options: RollbackOptions) => {
      const api = connectToMesh(context, options)
      const answer = await api.post<ApplyAnswer>(`/v1/revisions/${revision}/rollback`)
      if (answer.problems !== undefined && answer.problems.length > 0) context.stderr(formatProblems(answer.problems))
      for (const change of answer.changes) context.stdout(formatChange(change))
      context.stdout(`revision ${answer.revision} is revision ${revision} again\n`)
      if (!options.wait) return
      const failures = await waitForPropagation(context, api, answer.revision, WAIT_MS)
      if (failures.length > 0) throw new CommandFailure(failures.join('\nweft: '))
    })
}
