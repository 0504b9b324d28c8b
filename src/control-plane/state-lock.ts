// One control plane per state directory: a lock that the operating system lets go of when its holder dies, however it dies.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface StateLock {
  release(): void
}

/** Null: another process (or another control plane in this one) holds it. Throws when the file cannot be made. */
export function acquireStateLock(file: string): StateLock | null {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    // Node has no flock; SQLite's exclusive transaction is an advisory lock on the file, on every platform.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    if (/locked|busy/i.test((error as Error).message)) return null
    throw error
  }
}
