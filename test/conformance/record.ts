// Records what istiod and Envoy do with each case, into the case's own file. Usage: see README.md.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual, parseArgs, promisify } from 'node:util'
import { CASES, type CaseFile, caseNames, type Outcome, readCase } from './case-file.ts'
import { outcomeOf, type RawResult } from './outcome.ts'

const VERSIONS = { istio: '1.24.0', envoy: '1.40.0' } as const

/** The reference did not take the config: what it then does is no answer. */
const REFUSED = /Failed to parse|Envoy refused/

async function run(runner: string, peers: string, file: CaseFile): Promise<Outcome[]> {
  const work = mkdtempSync(join(tmpdir(), 'conformance-'))
  try {
    const path = join(work, 'case.json')
    const config = [file.config.join('\n'), ...(file.referenceConfig ? [file.referenceConfig.join('\n')] : [])]
    writeFileSync(path, JSON.stringify({ ...file, config: config.join('\n---\n'), mesh: file.mesh?.join('\n') }))
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [runner, '--peers', peers, path], {
      timeout: 180_000,
      maxBuffer: 64 << 20,
    })
    if (REFUSED.test(stderr)) throw new Error(stderr)
    if (stderr !== '') process.stderr.write(`${stderr}\n`)
    const results = JSON.parse(stdout) as RawResult[]
    return results.map(outcomeOf)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Shares vary from run to run; all else must not, or the case asks for what chance decides. */
function unstable(first: readonly Outcome[], second: readonly Outcome[]): number[] {
  const settled = ({ destinations: _, ...rest }: Outcome) => rest
  return first.flatMap((outcome, index) => {
    const other = second[index]
    return other && isDeepStrictEqual(settled(outcome), settled(other)) ? [] : [index]
  })
}

/** The runner looks for free ports and now and then loses one to another process: then it is asked again. */
async function runPatiently(runner: string, peers: string, file: CaseFile, attempts = 3): Promise<Outcome[]> {
  try {
    return await run(runner, peers, file)
  } catch (error) {
    if (attempts <= 1 || (error instanceof Error && REFUSED.test(error.message))) throw error
    return runPatiently(runner, peers, file, attempts - 1)
  }
}

async function record(runner: string, peers: string, name: string, once: boolean): Promise<boolean> {
  const file = readCase(name)
  const outcomes = await runPatiently(runner, peers, file)
  const changing = once ? [] : unstable(outcomes, await runPatiently(runner, peers, file))
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
    const stable = await record(values.runner, values.peers, name, values.once)
    console.log(`${stable ? 'recorded' : 'UNSTABLE'} ${name}`)
    if (!stable) failures++
  } catch (error) {
    failures++
    console.error(`FAILED ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
process.exitCode = failures === 0 ? 0 : 1
