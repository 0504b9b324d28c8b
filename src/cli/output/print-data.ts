// The three forms in which every verb prints data: -o table, json or yaml.
import { Option } from 'commander'
import { stringify } from 'yaml'
import type { CliContext } from '../contract/cli-context.ts'
import { formatTable } from './table.ts'

export type OutputForm = 'table' | 'json' | 'yaml'

export interface TableView {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Said instead of a table without rows. */
  readonly none: string
}

export function outputOption(): Option {
  return new Option('-o, --output <form>', 'form of the output').choices(['table', 'json', 'yaml']).default('table')
}

export function printData(context: CliContext, form: OutputForm, data: unknown, table: () => TableView): void {
  if (form === 'json') context.stdout(`${JSON.stringify(data, null, 2)}\n`)
  else if (form === 'yaml') context.stdout(stringify(data, { lineWidth: 0 }))
  else {
    const view = table()
    context.stdout(view.rows.length === 0 ? `${view.none}\n` : formatTable(view.header, view.rows))
  }
}
