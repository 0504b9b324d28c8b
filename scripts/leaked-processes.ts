// Which processes outlived the run that started them: each child inherits a mark in its environment, and Linux shows it.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

export const RUN_MARK = 'WEFT_TEST_RUN'

/** `pid command` of every process that carries `mark`, this one excepted. Empty where there is no /proc. */
export function leakedProcesses(mark: string): string[] {
  if (!existsSync('/proc/self/environ')) return []
  const leaked: string[] = []
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${RUN_MARK}=${mark}`)) continue
      leaked.push(`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()}`)
    } catch {
      // Gone in the meantime, or another user's: not ours.
    }
  }
  return leaked
}
