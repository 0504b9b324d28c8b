// Waiting, by the clock that was handed in.
import type { Clock } from '../../base/clock.ts'

export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => clock.setTimer(ms, resolve))
}

/** Resolves with true when `promise` settles first, with false when `ms` pass before. */
export async function settlesWithin(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise(resolve => {
    const timer = clock.setTimer(ms, () => resolve(false))
    const done = (): void => {
      timer.cancel()
      resolve(true)
    }
    promise.then(done, done)
  })
}
