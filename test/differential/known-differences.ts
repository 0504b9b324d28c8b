// Reads the table of differences on purpose in docs/differences-from-envoy.md: the comparison forgives these and no others.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CaseResult } from './run-cases.ts'

const PAGE = join(import.meta.dirname, '../../docs/differences-from-envoy.md')

export interface KnownDifference {
  readonly id: string
  /** Names of cases; `*` stands for anything. */
  readonly cases: readonly RegExp[]
  /** Fields as the comparison names them, alone or with what Envoy has there: `go away: (none)`; `*` stands for anything. */
  readonly fields: readonly RegExp[]
}

/** The rows of the table whose head is `| id | cases | what differs | ... |`. */
export function readKnownDifferences(text = readFileSync(PAGE, 'utf8')): readonly KnownDifference[] {
  const lines = text.split('\n')
  const head = lines.findIndex(line => /^\|\s*id\s*\|\s*cases\s*\|/.test(line))
  if (head < 0) throw new Error('differences-from-envoy.md: the table is gone')
  const rows = lines.slice(head + 2)
  const end = rows.findIndex(line => !line.startsWith('|'))
  return rows.slice(0, end < 0 ? rows.length : end).map(rowToDifference)
}

function rowToDifference(line: string): KnownDifference {
  const cells = line
    .split('|')
    .slice(1, -1)
    .map(cell => cell.trim().replaceAll('`', ''))
  const [id = '', cases = '', fields = '', , , why = ''] = cells
  if (id === '' || cases === '' || fields === '' || why === '')
    throw new Error(`differences-from-envoy.md: incomplete row: ${line}`)
  return { id, cases: globs(cases), fields: globs(fields) }
}

function globs(cell: string): RegExp[] {
  return cell.split(',').map(part => {
    const pattern = part.trim().replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    return new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
  })
}

export interface Verdict {
  /** With only those differences that no row explains. */
  readonly unexplained: readonly CaseResult[]
  /** Ids of rows that explained something. */
  readonly occurred: ReadonlySet<string>
}

export function judge(results: readonly CaseResult[], known: readonly KnownDifference[]): Verdict {
  const occurred = new Set<string>()
  const unexplained: CaseResult[] = []
  for (const result of results) {
    const rows = known.filter(({ cases }) => cases.some(pattern => pattern.test(result.case.name)))
    const left = result.differences.filter(({ field, envoy }) => {
      const row = rows.find(({ fields }) => fields.some(one => one.test(field) || one.test(`${field}: ${envoy}`)))
      if (row) occurred.add(row.id)
      return row === undefined
    })
    if (left.length > 0) unexplained.push({ ...result, differences: left })
  }
  return { unexplained, occurred }
}
