// Where a child's output goes: `<state>/logs/<name>.log`, kept as `.1` and begun anew when it has grown large.
import { closeSync, copyFileSync, fstatSync, mkdirSync, openSync, readSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'

const LARGE_BYTES = 16 * 1024 * 1024
const TAIL_BYTES = 16 * 1024

export class ProcessLog {
  readonly file: string

  constructor(stateDir: string, name: string) {
    this.file = join(stateDir, 'logs', `${name}.log`)
  }

  /** A descriptor to append to; the caller closes it once the child has it. */
  open(): number {
    mkdirSync(join(this.file, '..'), { recursive: true })
    this.trim()
    return openSync(this.file, 'a', 0o600)
  }

  /**
   * Begins it anew when it is large; says whether it did. Copied and cut, not renamed: the child that writes goes on in
   * the same file, at its new end. What is written in between is lost.
   */
  trim(): boolean {
    if (this.size() <= LARGE_BYTES) return false
    copyFileSync(this.file, `${this.file}.1`)
    truncateSync(this.file)
    return true
  }

  size(): number {
    return statSync(this.file, { throwIfNoEntry: false })?.size ?? 0
  }

  /** The last lines written after `from`, at most `count` of those that are not empty. */
  tail(count: number, from = 0): string[] {
    let descriptor: number
    try {
      descriptor = openSync(this.file, 'r')
    } catch {
      return []
    }
    try {
      const { size } = fstatSync(descriptor)
      const start = Math.max(from, size - TAIL_BYTES)
      const buffer = Buffer.alloc(Math.max(0, size - start))
      readSync(descriptor, buffer, 0, buffer.length, start)
      const lines = buffer.toString('utf8').split('\n')
      return lines.filter(line => line.trim() !== '').slice(-count)
    } finally {
      closeSync(descriptor)
    }
  }
}
