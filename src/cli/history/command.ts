// weft history: who changed what, and when.
import { Command } from 'commander'
import type { ConfigChange, RevisionEntry } from '../client/api-answer.ts'
import { addMeshOptions, connectToMesh, type MeshOptions } from '../client/mesh-location.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { parsePositive } from '../contract/option-parsers.ts'
import { formatAge } from '../output/age.ts'
import { type OutputForm, outputOption, printData } from '../output/print-data.ts'

interface HistoryOptions extends MeshOptions {
  readonly limit?: number
  readonly output: OutputForm
}

const SHOWN_REVISIONS = 20
const SHOWN_CHANGES = 3
const LONGEST_MESSAGE = 72
const SIGN: Readonly<Record<string, string>> = { created: '+', configured: '~', deleted: '-', unchanged: '=' }

export function historyCommand(context: CliContext): Command {
  const command = new Command('history')
    .description('List the revisions of the configuration, the newest first: + created, ~ configured, - deleted.')
    .option('--limit <count>', 'how many; a table shows 20 unless told', parsePositive)
    .addOption(outputOption())
  return addMeshOptions(command)
    .addHelpText('after', '\nExample:\n  weft history --limit 5')
    .action(async (options: HistoryOptions) => {
      const api = connectToMesh(context, options)
      const { revisions } = await api.get<{ revisions: readonly RevisionEntry[] }>('/v1/revisions')
      const limit = options.limit ?? (options.output === 'table' ? SHOWN_REVISIONS : revisions.length)
      const newest = revisions.toSorted((a, b) => b.revision - a.revision).slice(0, limit)
      printData(context, options.output, { revisions: newest }, () => ({
        header: ['REVISION', 'AGE', 'SOURCE', 'CHANGES', 'MESSAGE'],
        rows: newest.map(entry => [
          String(entry.revision),
          formatAge(entry.at, context.clock.wallNow()),
          entry.source,
          formatChanges(entry.changes),
          shorten(entry.message),
        ]),
        none: 'nothing has been applied yet',
      }))
    })
}

/** What names many files would make a table of one column. */
function shorten(message: string): string {
  return message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE - 3)}...`
}

function formatChanges(changes: readonly ConfigChange[]): string {
  const shown = changes.slice(0, SHOWN_CHANGES).map(each => `${SIGN[each.action] ?? ''}${each.kind}/${each.name}`)
  const more = changes.length - shown.length
  return shown.join(' ') + (more > 0 ? ` and ${more} more` : '')
}
