// Istio itself, by way of a runner (see README.md): what istiod and Envoy do with a case.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CaseFile, Outcome } from './case-file.ts'
import { outcomeOf, type RawResult } from './outcome.ts'

export const VERSIONS = { istio: '1.24.0', envoy: '1.40.0' } as const

/** The reference did not take the config: what it then does is no answer. */
const REFUSED = /Failed to parse|configuration is invalid|Envoy refused/
const TIME_LIMIT_MS = 180_000
const ATTEMPTS = 3

export interface Reference {
  /** Path of the script. */
  readonly runner: string
  /** Folder of `pilot-discovery` and `envoy`. */
  readonly peers: string
}

export class ReferenceRefused extends Error {}

/** The runner looks for free ports and now and then loses one to another process: then it is asked again. */
export async function askReference(
  reference: Reference,
  file: CaseFile,
  attempts = ATTEMPTS,
): Promise<readonly Outcome[]> {
  try {
    return await run(reference, file)
  } catch (error) {
    if (attempts <= 1 || error instanceof ReferenceRefused) throw error
    return askReference(reference, file, attempts - 1)
  }
}

async function run({ runner, peers }: Reference, file: CaseFile): Promise<readonly Outcome[]> {
  const work = mkdtempSync(join(tmpdir(), 'conformance-'))
  try {
    const path = join(work, 'case.json')
    const config = [file.config.join('\n'), ...(file.referenceConfig ? [file.referenceConfig.join('\n')] : [])]
    writeFileSync(path, JSON.stringify({ ...file, config: config.join('\n---\n'), mesh: file.mesh?.join('\n') }))
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [runner, '--peers', peers, path], {
      timeout: TIME_LIMIT_MS,
      maxBuffer: 256 << 20,
    })
    if (REFUSED.test(stderr)) throw new ReferenceRefused(stderr)
    if (stderr !== '') process.stderr.write(`${stderr}\n`)
    return (JSON.parse(stdout) as RawResult[]).map(outcomeOf)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
