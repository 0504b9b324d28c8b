// Asking until something is there.
import type { Clock } from '../../base/clock.ts'
import { delay } from './delay.ts'

export interface ReadinessOptions {
  readonly clock: Clock
  readonly everyMs: number
  readonly timeoutMs: number
  /** Ends the wait early with false. */
  readonly given?: () => boolean
}

/** True as soon as `check` says so, false when the time is over; a check that rejects has said no. */
export async function becomesReady(check: () => Promise<boolean>, options: ReadinessOptions): Promise<boolean> {
  const deadline = options.clock.now() + options.timeoutMs
  for (;;) {
    if (await check().catch(() => false)) return true
    if (options.clock.now() >= deadline || options.given?.()) return false
    await delay(options.clock, options.everyMs)
  }
}

const REQUEST_TIMEOUT_MS = 2000

/** Whether a GET is answered with 2xx or 3xx. */
export async function answersWell(fetcher: typeof fetch, url: string): Promise<boolean> {
  const response = await fetcher(url, { redirect: 'manual', signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
  await response.body?.cancel()
  return response.status >= 200 && response.status < 400
}
