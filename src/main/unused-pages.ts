// Memory that a proxy has resident and does not use: pages of Node's program and its libraries that starting, a change of
// config or V8's compiler has read once, and what was freed in the C library's heap.
import { readFileSync } from 'node:fs'
import type { Clock, Timer } from '../base/clock.ts'
import { type MemoryCalls, openMemoryCalls } from './memory-calls.ts'
import { type MemoryRange, unmodifiedPages } from './program-pages.ts'

/** What has been touched for the last time is old by then; each time is twice as long after the one before. */
const FIRST_MS = 5000
const LONGEST_MS = 640_000

export interface UnusedPagesOptions {
  readonly clock: Clock
  readonly calls?: MemoryCalls | null
  /** Throws where the kernel does not tell, or no descriptor is left to ask with. */
  readonly readSmaps?: () => string
}

/**
 * Gives it back now and from time to time: for the whole process, so that one event loop is to do it. What is in use comes
 * back page by page, a thousand minor faults; it costs the event loop some 5 ms each time (docs/decisions/0015).
 */
export function releaseUnusedPages(options: UnusedPagesOptions): Timer {
  const { clock, calls = openMemoryCalls(), readSmaps = () => readFileSync('/proc/self/smaps', 'utf8') } = options
  if (calls === null) return { cancel() {} }
  let delayMs = FIRST_MS
  let timer: Timer
  const release = (): void => {
    calls.trimHeap()
    for (const range of programPages(readSmaps)) calls.dropPages(range)
    timer = clock.setTimer(delayMs, release)
    delayMs = Math.min(2 * delayMs, LONGEST_MS)
  }
  release()
  return { cancel: () => timer.cancel() }
}

function programPages(readSmaps: () => string): readonly MemoryRange[] {
  try {
    return unmodifiedPages(readSmaps(), process.execPath)
  } catch {
    return []
  }
}
