// Files that are whole or not there, whatever happens while they are written.
import { closeSync, fchmodSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Writes beside the file and renames: a reader sees the old content or the new, and a crash leaves one of both.
 * `mode` holds whatever the umask is. Throws the system's error; the file beside is then gone again.
 */
export function writeFileAtomic(file: string, content: string | Uint8Array, mode: number): void {
  const beside = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`)
  mkdirSync(dirname(file), { recursive: true })
  rmSync(beside, { force: true })
  const descriptor = openSync(beside, 'wx', mode)
  try {
    fchmodSync(descriptor, mode)
    writeFileSync(descriptor, content)
    fsyncSync(descriptor)
    closeSync(descriptor)
    renameSync(beside, file)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
