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
  /** Of the process group that ends with it, where that is not its own: a proxy that took over from another. */
  readonly group?: number
  readonly ports: Readonly<Record<string, number>>
  readonly workload?: string
  readonly namespace?: string
  readonly startedAt: string
  /** When the system says that it began, in the system's own words: a later process with the same pid began later. */
  readonly began: string
}

/** Of a workload's application, in `weft ps` and for its log: two namespaces may have a workload of the same name. */
export function processName(workload: { readonly name: string; readonly namespace: string }): string {
  return workload.namespace === 'default' ? workload.name : `${workload.name}.${workload.namespace}`
}

export function writeProcessRecord(stateDir: string, process: Omit<ProcessRecord, 'began'>): ProcessRecord {
  const record: ProcessRecord = { ...process, began: processStart(process.pid) }
  writeFileAtomic(recordFile(stateDir, record.name), `${JSON.stringify(record, null, 2)}\n`, 0o644)
  return record
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
      const record: unknown = JSON.parse(readFileSync(join(stateDir, 'processes', file), 'utf8'))
      if (isRecord(record) && file === `${record.name}.json`) records.push(record)
    } catch {
      // Half a file of a crashed writer says nothing.
    }
  }
  return records
}

/** Whether the process of the record still runs: not merely one that has its pid now, and not a zombie. */
export function isRunning(record: ProcessRecord): boolean {
  try {
    process.kill(record.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return record.began === processStart(record.pid)
}

/** Empty where the system does not say, or where there is none. */
function processStart(pid: number): string {
  try {
    if (process.platform === 'linux') {
      // proc(5): the name, in parentheses, may hold anything; state and start time are the 1st and the 20th field after.
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' ? '' : (fields[19] ?? '')
    }
    if (process.platform === 'win32') return ''
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}

/** The pid is one to be killed by: 1 and 0 would be everybody, and what was edited by hand may hold anything. */
function isRecord(value: unknown): value is ProcessRecord {
  if (typeof value !== 'object' || value === null) return false
  const { name, pid, ports } = value as Partial<ProcessRecord>
  return typeof name === 'string' && Number.isSafeInteger(pid) && Number(pid) > 1 && typeof ports === 'object'
}

function recordFile(stateDir: string, name: string): string {
  return join(stateDir, 'processes', `${name}.json`)
}
