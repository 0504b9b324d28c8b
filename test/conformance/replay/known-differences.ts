// Reads the table of differences on purpose in docs/differences-from-istio.md: the replay forgives these and no others.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PAGE = join(import.meta.dirname, '../../../docs/differences-from-istio.md')

export interface KnownDifference {
  /** Name of the case. */
  readonly name: string
  /** Numbers of requests, from 1; null: every request of the case. */
  readonly requests: readonly number[] | null
  /** Fields as the replay names them. */
  readonly fields: readonly string[]
  readonly why: string
  /** How it stands on the page, for messages. */
  readonly line: string
}

/** The rows of the table whose head is `| case | request | what differs | why |`. */
export function readKnownDifferences(text = readFileSync(PAGE, 'utf8')): readonly KnownDifference[] {
  const lines = text.split('\n')
  const head = lines.findIndex(line => /^\|\s*case\s*\|\s*request\s*\|/.test(line))
  if (head < 0) return []
  const rows = lines.slice(head + 2)
  const end = rows.findIndex(line => !line.startsWith('|'))
  return rows.slice(0, end < 0 ? rows.length : end).flatMap(rowToDifferences)
}

/** One row may name several cases. */
function rowToDifferences(line: string): readonly KnownDifference[] {
  const [names = '', requests = '', fields = '', why = ''] = line
    .split('|')
    .slice(1, -1)
    .map(cell => cell.trim().replaceAll('`', ''))
  if (names === '' || fields === '' || why === '') throw new Error(`differences-from-istio.md: incomplete row: ${line}`)
  return list(names).map(name => ({
    name,
    requests: requests === 'all' ? null : list(requests).map(Number),
    fields: list(fields),
    why,
    line,
  }))
}

function list(cell: string): string[] {
  return cell.split(',').map(part => part.trim())
}
