// %START_TIME% and other times: strftime's conversions, in UTC or local time, with Envoy's %Nf for fractions. What changes once a second is kept.

/** `2026-11-21T02:24:16.123Z`, Envoy's default. */
export const DEFAULT_START_TIME = '%Y-%m-%dT%H:%M:%S.%3fZ'

/** The same in local time. */
export const DEFAULT_LOCAL_TIME = '%Y-%m-%dT%H:%M:%S.%3f%z'

export interface StartTimeFormat {
  /** `epochMs` in milliseconds. */
  format(epochMs: number): string
}

/** A second as it is shown: `date` in UTC has what a clock on the wall shows, so far east of Greenwich. */
interface Shown {
  readonly date: Date
  readonly offsetMinutes: number
  readonly epochSeconds: number
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const DAY_MS = 86_400_000

const pad = (value: number, width: number, fill = '0'): string => String(value).padStart(width, fill)
const hour12 = ({ date }: Shown): number => date.getUTCHours() % 12 || 12
const dayOfYear = ({ date }: Shown): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS)
const half = ({ date }: Shown): string => (date.getUTCHours() < 12 ? 'AM' : 'PM')

/** Of the C library, in its own locale. */
const CONVERSIONS: Readonly<Record<string, (shown: Shown) => string>> = {
  Y: ({ date }) => String(date.getUTCFullYear()),
  C: ({ date }) => pad(Math.floor(date.getUTCFullYear() / 100), 2),
  y: ({ date }) => pad(date.getUTCFullYear() % 100, 2),
  m: ({ date }) => pad(date.getUTCMonth() + 1, 2),
  b: ({ date }) => MONTHS[date.getUTCMonth()]!.slice(0, 3),
  h: ({ date }) => MONTHS[date.getUTCMonth()]!.slice(0, 3),
  B: ({ date }) => MONTHS[date.getUTCMonth()]!,
  d: ({ date }) => pad(date.getUTCDate(), 2),
  e: ({ date }) => pad(date.getUTCDate(), 2, ' '),
  j: shown => pad(dayOfYear(shown) + 1, 3),
  a: ({ date }) => DAYS[date.getUTCDay()]!.slice(0, 3),
  A: ({ date }) => DAYS[date.getUTCDay()]!,
  u: ({ date }) => String(date.getUTCDay() || 7),
  w: ({ date }) => String(date.getUTCDay()),
  U: shown => pad(Math.floor((dayOfYear(shown) + 7 - shown.date.getUTCDay()) / 7), 2),
  W: shown => pad(Math.floor((dayOfYear(shown) + 7 - ((shown.date.getUTCDay() + 6) % 7)) / 7), 2),
  H: ({ date }) => pad(date.getUTCHours(), 2),
  k: ({ date }) => pad(date.getUTCHours(), 2, ' '),
  I: shown => pad(hour12(shown), 2),
  l: shown => pad(hour12(shown), 2, ' '),
  p: half,
  P: shown => half(shown).toLowerCase(),
  M: ({ date }) => pad(date.getUTCMinutes(), 2),
  S: ({ date }) => pad(date.getUTCSeconds(), 2),
  D: shown => each(shown, 'm/d/y'),
  x: shown => each(shown, 'm/d/y'),
  F: ({ date }) => date.toISOString().slice(0, 10),
  R: shown => each(shown, 'H:M'),
  r: shown => each(shown, 'I:M:S p'),
  T: ({ date }) => date.toISOString().slice(11, 19),
  X: ({ date }) => date.toISOString().slice(11, 19),
  c: shown => each(shown, 'a b e T Y'),
  s: ({ epochSeconds }) => String(epochSeconds),
  z: offset,
  Z: shown => (shown.offsetMinutes === 0 ? 'UTC' : offset(shown)),
  t: () => '\t',
  '%': () => '%',
}

function each(shown: Shown, letters: string): string {
  return letters.replace(/[A-Za-z]/g, letter => CONVERSIONS[letter]!(shown))
}

function offset({ offsetMinutes }: Shown): string {
  const minutes = Math.abs(offsetMinutes)
  return `${offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}${pad(minutes % 60, 2)}`
}

/** A literal, a conversion that changes once a second, or how many digits of the second's fraction. */
type Part = string | ((shown: Shown) => string) | number

/** The formatter of a strftime format, or the conversion that it does not know. `isLocal`: in the process's time zone. */
export function compileStartTime(format: string, isLocal = false): StartTimeFormat | { readonly fault: string } {
  const parts: Part[] = []
  let from = 0
  for (const found of format.matchAll(/%(?:([1-9])?f|(.))/gs)) {
    const conversion = found[2] === undefined ? Number(found[1] ?? 9) : CONVERSIONS[found[2]]
    if (conversion === undefined) return { fault: found[0] }
    parts.push(format.slice(from, found.index), conversion)
    from = found.index + found[0].length
  }
  if (format.endsWith('%') && from < format.length) return { fault: '%' }
  parts.push(format.slice(from))
  return new CachedStartTime(parts, isLocal)
}

class CachedStartTime implements StartTimeFormat {
  readonly #parts: readonly Part[]
  readonly #isLocal: boolean
  /** This second's text: fixed pieces, and between them the widths of the fractions. */
  #pieces: (string | number)[] = []
  #second = Number.NaN
  /** What was asked for last: under load some thirty streams begin within one millisecond. */
  #epochMs = Number.NaN
  #text = ''

  constructor(parts: readonly Part[], isLocal: boolean) {
    this.#parts = parts
    this.#isLocal = isLocal
  }

  format(epochMs: number): string {
    if (epochMs === this.#epochMs) return this.#text
    const second = Math.floor(epochMs / 1000)
    if (second !== this.#second) this.#turnTo(second)
    const ms = Math.floor(epochMs - second * 1000)
    const fraction = ms < 10 ? `00${ms}` : ms < 100 ? `0${ms}` : `${ms}`
    let text = ''
    for (let i = 0; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]!
      text += typeof piece === 'string' ? piece : piece === 3 ? fraction : fraction.padEnd(9, '0').slice(0, piece)
    }
    this.#epochMs = epochMs
    this.#text = text
    return text
  }

  #turnTo(second: number): void {
    const shown = shownAt(second, this.#isLocal)
    this.#second = second
    this.#pieces = []
    for (const part of this.#parts) {
      const piece = typeof part === 'function' ? part(shown) : part
      const last = this.#pieces.length - 1
      if (typeof piece === 'string' && typeof this.#pieces[last] === 'string') this.#pieces[last] += piece
      else this.#pieces.push(piece)
    }
  }
}

function shownAt(epochSeconds: number, isLocal: boolean): Shown {
  const offsetMinutes = isLocal ? -new Date(epochSeconds * 1000).getTimezoneOffset() : 0
  return { date: new Date((epochSeconds + offsetMinutes * 60) * 1000), offsetMinutes, epochSeconds }
}
