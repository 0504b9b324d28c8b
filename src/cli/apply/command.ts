// weft apply: sends config files to the mesh; all of them take effect together, or none does.
import { Command } from 'commander'
import type { ApplyAnswer } from '../client/api-answer.ts'
import { readConfigDocuments } from '../client/config-documents.ts'
import { addMeshOptions, connectToMesh, type MeshOptions } from '../client/mesh-location.ts'
import { waitForPropagation } from '../client/propagation.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { namespaceOption } from '../contract/namespace-option.ts'
import { parsePositive } from '../contract/option-parsers.ts'
import { formatChange } from '../output/config-change.ts'
import { type OutputForm, outputOption, printData } from '../output/print-data.ts'
import { formatProblems } from '../output/print-problems.ts'

interface ApplyOptions extends MeshOptions {
  readonly filename: readonly string[]
  readonly namespace: string
  readonly dryRun?: boolean
  readonly wait?: boolean
  readonly timeout: number
  readonly output: OutputForm
}

export function applyCommand(context: CliContext): Command {
  const command = new Command('apply')
    .description('Apply configuration: all the documents given take effect together, or none does.')
    .requiredOption('-f, --filename <path...>', 'files, directories, or - for standard input')
    .addOption(namespaceOption())
    .option('--dry-run', 'check and say what would change, and change nothing')
    .option('--wait', 'return when every proxy concerned has acknowledged it')
    .option('--timeout <seconds>', 'how long to wait for that', parsePositive, 30)
    .addOption(outputOption())
  return addMeshOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  weft apply -f mesh/ --wait\n  weft apply -f reviews.yaml --dry-run\n  cat reviews.yaml | weft apply -f -',
    )
    .action((options: ApplyOptions) => apply(context, options))
}

async function apply(context: CliContext, options: ApplyOptions): Promise<void> {
  const documents = await readConfigDocuments(context, options.filename)
  const api = connectToMesh(context, options)
  const answer = await api.post<ApplyAnswer>('/v1/config/apply', {
    documents,
    namespace: options.namespace,
    dryRun: options.dryRun === true,
  })
  if (answer.problems !== undefined && answer.problems.length > 0) context.stderr(formatProblems(answer.problems))
  if (options.output === 'table') {
    const suffix = options.dryRun ? ' (dry run)' : ''
    for (const change of answer.changes) context.stdout(formatChange(change, suffix))
    if (answer.changes.length === 0) context.stdout('nothing to apply\n')
  } else {
    printData(context, options.output, answer, () => ({ header: [], rows: [], none: '' }))
  }
  if (!options.wait || options.dryRun) return
  const failures = await waitForPropagation(context, api, answer.revision, options.timeout * 1000)
  if (failures.length > 0) throw new CommandFailure(failures.join('\nweft: '))
}
