// Before anything starts: is a mesh running from this state already, and is something left of one that was killed?
import { CommandFailure } from '../contract/command-failure.ts'
import { isRunning, processName, readProcessRecords, removeProcessRecord } from './process-record.ts'
import type { WorkloadSpec } from './workload-spec.ts'

/** Throws CommandFailure when a mesh runs; ends what a killed launcher left behind, and forgets its records. */
export function requireNotRunning(stateDir: string, shownState: string): void {
  const records = readProcessRecords(stateDir)
  const up = records.find(record => record.role === 'up')
  if (up !== undefined && isRunning(up)) {
    throw new CommandFailure(
      `WEFT-3004: a mesh is running from ${shownState} already (pid ${up.pid}); stop it, or give another --state`,
    )
  }
  // A `weft run` outlives the mesh that it joined, and goes on in the next one.
  const runs = records.filter(record => record.role === 'run' && isRunning(record))
  const stays = new Set(runs.flatMap(run => namesOf(run.name.slice('run-'.length))))
  for (const record of records) {
    if (stays.has(record.name)) continue
    if (record.role !== 'up' && isRunning(record)) endGroup(record.group ?? record.pid)
    removeProcessRecord(stateDir, record.name)
  }
}

/** Throws CommandFailure when a process of this state has one of the names that a workload's processes would have. */
export function requireNameFree(stateDir: string, workload: Pick<WorkloadSpec, 'name' | 'namespace'>): void {
  const names = namesOf(processName(workload))
  const taken = readProcessRecords(stateDir).find(record => names.includes(record.name) && isRunning(record))
  if (taken === undefined) return
  throw new CommandFailure(`${workload.name} is running already (${taken.role}, pid ${taken.pid}); give another --name`)
}

/** Of the application, of its proxy, and of the `weft run` that has them. */
function namesOf(process: string): readonly string[] {
  return [process, `${process}-proxy`, `run-${process}`]
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has gone meanwhile.
  }
}
