// Before anything starts: is a mesh running from this state already, and is something left of one that was killed?
import { CommandFailure } from '../contract/command-failure.ts'
import { isRunning, readProcessRecords, removeProcessRecord } from './process-record.ts'

/** Throws CommandFailure when a mesh runs; ends what a killed launcher left behind, and forgets its records. */
export function requireNotRunning(stateDir: string, shownState: string): void {
  const records = readProcessRecords(stateDir)
  const up = records.find(record => record.role === 'up')
  if (up !== undefined && isRunning(up)) {
    throw new CommandFailure(
      `WEFT-3004: a mesh is running from ${shownState} already (pid ${up.pid}); stop it, or give another --state`,
    )
  }
  for (const record of records) {
    if (record.role === 'run') continue
    if (record.role !== 'up' && isRunning(record)) endGroup(record.pid)
    removeProcessRecord(stateDir, record.name)
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has gone meanwhile.
  }
}
