// Every recorded case on Weft: what differs from Istio, and is not listed as a difference on purpose, fails.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CaseFile, caseNames, describeRequest, type Outcome, readCase } from './case-file.ts'
import { differences } from './replay/comparison.ts'
import { type KnownDifference, readKnownDifferences } from './replay/known-differences.ts'
import { runCase } from './replay/run-case.ts'

/** How many cases run at a time: much of a case is waiting for upstreams that are slow on purpose. */
const CONCURRENCY = 6

const known = readKnownDifferences()

/** Row, field and, where the row names requests, request: each must show the difference that is listed. */
function place(row: KnownDifference, field: string, index: number): string {
  return `${row.line}\n    ${field}${row.requests === null ? '' : ` of request ${index + 1}`}`
}

function placesOf(row: KnownDifference): readonly string[] {
  return (row.requests ?? [0]).flatMap(request => row.fields.map(field => place(row, field, request - 1)))
}

/** Unlisted differences, and listed ones that are none any more. */
function complaints(file: CaseFile, outcomes: readonly Outcome[], rows: readonly KnownDifference[]): readonly string[] {
  const stale = new Set(rows.flatMap(placesOf))
  const unlisted = file.requests.flatMap((request, index) => {
    const [recorded, weft] = [request.outcome, outcomes[index]]
    if (recorded === undefined || weft === undefined) return [`${describeRequest(request, index)}: no outcome`]
    const here = rows.filter(row => row.requests === null || row.requests.includes(index + 1))
    const found = differences(recorded, weft).filter(({ field }) => {
      const row = here.find(one => one.fields.includes(field))
      if (row !== undefined) stale.delete(place(row, field, index))
      return row === undefined
    })
    return found.map(
      one => `${describeRequest(request, index)}\n    ${one.field}: Istio ${one.recorded}, Weft ${one.weft}`,
    )
  })
  return [...unlisted, ...[...stale].map(line => `listed, but no difference any more: ${line}`)]
}

describe('conformance with Istio', { concurrency: CONCURRENCY }, () => {
  const names = caseNames()
  for (const name of names) {
    test(name, async () => {
      const file = readCase(name)
      const rows = known.filter(row => row.name === name)
      const found = complaints(file, await runCase(file), rows)
      assert.ok(found.length === 0, `${file.about}\n  ${found.join('\n  ')}`)
    })
  }

  test('the list of known differences names cases that exist', () => {
    assert.deepEqual(
      known.filter(row => !names.includes(row.name)).map(row => row.line),
      [],
    )
  })
})
