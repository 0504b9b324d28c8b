// V8's own threads, which compile hot code and collect garbage beside the one that runs it.
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

const TASKS = '/proc/self/task'
/** Node names its threads (pthread_setname_np): `node-V8Worker`. */
const V8_THREAD = 'V8Worker'
/**
 * Steps below the event loop: a tenth of its share, when both want one core. Not less: where a collection's last piece is
 * on such a thread, the event loop waits for it.
 */
const STEPS = 10
const LOWEST = 19

/**
 * Has them give way to the event loop. A process that has one core, as a sidecar mostly does, else halves it among
 * traffic and the compiler for as long as code gets hot: tens of milliseconds in which no request moves. Linux only,
 * where each thread has a priority of its own (setpriority(2)); elsewhere, and where /proc is closed, nothing happens.
 * Returns how many threads it was done to.
 */
export function lowerCompilerThreads(): number {
  let lowered = 0
  try {
    const priority = Math.min(getPriority() + STEPS, LOWEST)
    for (const task of readdirSync(TASKS)) {
      if (!readFileSync(`${TASKS}/${task}/comm`, 'latin1').includes(V8_THREAD)) continue
      setPriority(Number(task), priority)
      lowered++
    }
  } catch {
    // No /proc, or a thread that ended meanwhile.
  }
  return lowered
}
