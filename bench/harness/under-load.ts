// One measurement: a contestant started afresh, asked once, warmed up, and its cost taken around a load.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contestant } from '../contestants/contestant.ts'
import type { Scenario } from '../contestants/scenario.ts'
import type { TlsFiles } from '../contestants/tls-files.ts'
import type { LoadResult } from '../load/load-result.ts'
import type { Measured, RunOptions } from './benchmark.ts'
import { accepting, type Child, freePort } from './child.ts'
import { costOf } from './process-cost.ts'

export interface Started {
  readonly port: number
  readonly directory: string
  readonly process: Child
}

export interface StartOptions {
  readonly scenario: Scenario
  readonly upstreamPort: number
  readonly tls: TlsFiles
  readonly workers: number
}

/** A folder of the benchmark's own, removed with `release`. */
export function temporaryFolder(name: string, release: AsyncDisposableStack): string {
  const directory = mkdtempSync(join(tmpdir(), `weft-bench-${name}-`))
  release.defer(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Running and accepting connections until `release`. */
export async function startContestant(
  contestant: Contestant,
  options: StartOptions,
  release: AsyncDisposableStack,
): Promise<Started> {
  const directory = temporaryFolder(contestant.name, release)
  const port = await freePort()
  const process = release.use(contestant.start({ ...options, directory, port }))
  await accepting(port, process)
  return { port, directory, process }
}

/** `load` is called to warm up, and once more to be measured; the cost is that of all `processes`. */
export async function underLoad(
  processes: readonly Child[],
  { seconds, warmUpSeconds }: Pick<RunOptions, 'seconds' | 'warmUpSeconds'>,
  load: (seconds: number) => Promise<LoadResult>,
): Promise<Measured> {
  await load(warmUpSeconds)
  const before = total(processes)
  const result = await load(seconds)
  const after = total(processes)
  if (result.errors > 0 || result.requests === 0)
    throw new Error(`${result.errors} errors in ${result.requests} requests`)
  return {
    cpuMicrosecondsPerRequest: (after.cpuMicroseconds - before.cpuMicroseconds) / result.requests,
    requests: result.requests,
    requestsPerSecond: result.requests / result.seconds,
    p50: result.p50,
    p90: result.p90,
    p99: result.p99,
    max: result.max,
    residentMegabytes: after.residentMegabytes,
  }
}

function total(processes: readonly Child[]): { cpuMicroseconds: number; residentMegabytes: number } {
  const costs = processes.map(({ pid }) => costOf(pid))
  return {
    cpuMicroseconds: costs.reduce((sum, cost) => sum + cost.cpuMicroseconds, 0),
    residentMegabytes: costs.reduce((sum, cost) => sum + cost.residentMegabytes, 0),
  }
}
