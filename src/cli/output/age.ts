// How long ago, the way kubectl says it: 42s, 7m, 3h, 12d.

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `at` is an ISO date or epoch milliseconds; a dash where there is none. */
export function formatAge(at: string | number | undefined | null, nowMs: number): string {
  if (at === undefined || at === null || at === '') return '-'
  const then = typeof at === 'number' ? at : Date.parse(at)
  if (Number.isNaN(then)) return '-'
  const seconds = Math.max(0, Math.round((nowMs - then) / 1000))
  if (seconds < 2 * MINUTE) return `${seconds}s`
  if (seconds < 2 * HOUR) return `${Math.floor(seconds / MINUTE)}m`
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)}h`
  return `${Math.floor(seconds / DAY)}d`
}
