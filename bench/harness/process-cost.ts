// What a process and its children have cost so far, read from /proc: CPU time is a figure that a noisy machine leaves
// alone, unlike requests per second.
import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100 // USER_HZ, fixed by the kernel's ABI on every platform that Linux has

export interface ProcessCost {
  /** User and system time, microseconds. */
  readonly cpuMicroseconds: number
  readonly residentMegabytes: number
  /** Of it what no other process of the same program shares: neither code nor a file's pages. */
  readonly ownMegabytes: number
}

function treeOf(root: number): number[] {
  const parentOf = new Map<number, number>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
      parentOf.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // Ended while we looked.
    }
  }
  const tree = [root]
  for (let i = 0; i < tree.length; i++) for (const [pid, parent] of parentOf) if (parent === tree[i]) tree.push(pid)
  return tree
}

/** The process below `pid` that runs `program`; `pid` itself where none does. */
export function programBelow(pid: number, program: string): number {
  return treeOf(pid).find(member => readFileSync(`/proc/${member}/comm`, 'latin1').trim() === program) ?? pid
}

/** Of `pid` and everything below it, all threads included. */
export function costOf(pid: number): ProcessCost {
  let ticks = 0
  let residentKilobytes = 0
  let ownKilobytes = 0
  for (const member of treeOf(pid)) {
    const stat = readFileSync(`/proc/${member}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
    const status = readFileSync(`/proc/${member}/status`, 'latin1')
    residentKilobytes += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0)
    ownKilobytes += Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0)
  }
  return {
    cpuMicroseconds: (ticks * 1e6) / TICKS_PER_SECOND,
    residentMegabytes: residentKilobytes / 1024,
    ownMegabytes: ownKilobytes / 1024,
  }
}
