// One file per process of a mesh, `<state>/processes/<name>.json`: for `weft ps`, and for tidying up after a crash.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from '../../base/atomic-file.ts'

export type ProcessRole = 'up' | 'run' | 'control-plane' | 'proxy' | 'gateway' | 'application'

export interface ProcessRecord {
  readonly name: string
  readonly role: ProcessRole
  readonly pid: number
  readonly ports: Readonly<Record<string, number>>
  readonly workload?: string
  readonly namespace?: string
  readonly startedAt: string
  /** Something in its command line, by which it is told from a later process with the same pid. */
  readonly mark: string
}

export function writeProcessRecord(stateDir: string, record: ProcessRecord): void {
  writeFileAtomic(recordFile(stateDir, record.name), `${JSON.stringify(record, null, 2)}\n`, 0o644)
}

export function removeProcessRecord(stateDir: string, name: string): void {
  rmSync(recordFile(stateDir, name), { force: true })
}

/** In the order of their names; files that cannot be read are left out. */
export function readProcessRecords(stateDir: string): ProcessRecord[] {
  let files: string[]
  try {
    files = readdirSync(join(stateDir, 'processes')).filter(file => file.endsWith('.json') && !file.startsWith('.'))
  } catch {
    return []
  }
  const records: ProcessRecord[] = []
  for (const file of files.sort()) {
    try {
      records.push(JSON.parse(readFileSync(join(stateDir, 'processes', file), 'utf8')) as ProcessRecord)
    } catch {
      // Half a file of a crashed writer says nothing.
    }
  }
  return records
}

/** Whether the process that wrote the record still runs: not merely one that has its pid now. */
export function isRunning(record: ProcessRecord): boolean {
  try {
    process.kill(record.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const line = commandLine(record.pid)
  return line === null || line.includes(record.mark)
}

/** Null where the system does not say. */
function commandLine(pid: number): string | null {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    return null
  }
}

function recordFile(stateDir: string, name: string): string {
  return join(stateDir, 'processes', `${name}.json`)
}
