// Records what istiod and Envoy do with each case, into the case's own file. Usage: see README.md.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { CASES, caseNames, type Outcome, readCase } from './case-file.ts'
import { askReference, type Reference, VERSIONS } from './reference.ts'

/** Shares vary from run to run; all else must not, or the case asks for what chance decides. */
function unstable(first: readonly Outcome[], second: readonly Outcome[]): number[] {
  const settled = ({ destinations: _, ...rest }: Outcome) => rest
  return first.flatMap((outcome, index) => {
    const other = second[index]
    return other && isDeepStrictEqual(settled(outcome), settled(other)) ? [] : [index]
  })
}

async function record(reference: Reference, name: string, once: boolean): Promise<boolean> {
  const file = readCase(name)
  const outcomes = await askReference(reference, file)
  const changing = once ? [] : unstable(outcomes, await askReference(reference, file))
  for (const index of changing) console.error(`${name}: request ${index + 1} came out differently the second time`)
  for (const [index, request] of file.requests.entries()) {
    const outcome = outcomes[index]
    if (outcome === undefined) throw new Error(`${name}: request ${index + 1} has no result`)
    request.outcome = outcome
  }
  file.versions = VERSIONS
  writeFileSync(join(CASES, `${name}.json`), `${JSON.stringify(file, null, 2)}\n`)
  return changing.length === 0
}

const { values } = parseArgs({
  options: {
    runner: { type: 'string' },
    peers: { type: 'string' },
    only: { type: 'string' },
    missing: { type: 'boolean', default: false },
    once: { type: 'boolean', default: false },
  },
})
if (values.runner === undefined || values.peers === undefined) {
  console.error('usage: record.ts --runner FILE --peers DIR [--only TEXT] [--missing] [--once]')
  process.exit(64)
}
let failures = 0
for (const name of caseNames()) {
  if (values.only !== undefined && !name.includes(values.only)) continue
  if (values.missing && readCase(name).versions !== undefined) continue
  try {
    const stable = await record({ runner: values.runner, peers: values.peers }, name, values.once)
    console.log(`${stable ? 'recorded' : 'UNSTABLE'} ${name}`)
    if (!stable) failures++
  } catch (error) {
    failures++
    console.error(`FAILED ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
process.exitCode = failures === 0 ? 0 : 1
