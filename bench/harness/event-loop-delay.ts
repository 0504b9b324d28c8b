// Loaded into a Weft proxy by --import, for one benchmark: keeps the event loop's delays in a file of the working
// directory, up to date twice a second. SIGPWR ends the warm-up (SIGUSR2 is hot restart).
import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface EventLoopDelay {
  /** Milliseconds. */
  readonly max: number
  readonly p99: number
}

export const DELAY_FILE = 'event-loop-delay.json'
const RESOLUTION_MS = 1
const WRITE_MS = 500
const NANOSECONDS = 1e6

/** The benchmark imports this file for its types and names only. */
if (process.execArgv.includes('--import')) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  process.on('SIGPWR', () => histogram.reset())
  setInterval(() => {
    // What is counted is from one tick of its timer to the next: the tick itself is no delay.
    const beyondTick = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS)
    const delay: EventLoopDelay = { max: beyondTick(histogram.max), p99: beyondTick(histogram.percentile(99)) }
    writeFileSync(DELAY_FILE, JSON.stringify(delay))
  }, WRITE_MS).unref()
}
