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

function isKnown(row: KnownDifference, index: number, field: string): boolean {
  return row.fields.includes(field) && (row.requests === null || row.requests.includes(index + 1))
}

/** Unlisted differences, and listed ones that are none any more. */
function complaints(file: CaseFile, outcomes: readonly Outcome[], rows: readonly KnownDifference[]): readonly string[] {
  const stale = new Set(rows.flatMap(row => row.fields.map(field => `${row.line} -- ${field}`)))
  const unlisted = file.requests.flatMap((request, index) => {
    const [recorded, weft] = [request.outcome, outcomes[index]]
    if (recorded === undefined || weft === undefined) return [`${describeRequest(request, index)}: no outcome`]
    const found = differences(recorded, weft).filter(({ field }) => {
      const row = rows.find(one => isKnown(one, index, field))
      if (row !== undefined) stale.delete(`${row.line} -- ${field}`)
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
