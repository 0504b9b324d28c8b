// %START_TIME%: strftime's conversions, in UTC, with Envoy's %Nf for fractions. What changes once a second is kept.

/** `2026-11-21T02:24:16.123Z`, Envoy's default. */
export const DEFAULT_START_TIME = '%Y-%m-%dT%H:%M:%S.%3fZ'

export interface StartTimeFormat {
  /** `epochMs` in milliseconds. */
  format(epochMs: number): string
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0')

const CONVERSIONS: Readonly<Record<string, (date: Date) => string>> = {
  Y: date => pad(date.getUTCFullYear(), 4),
  m: date => pad(date.getUTCMonth() + 1, 2),
  d: date => pad(date.getUTCDate(), 2),
  H: date => pad(date.getUTCHours(), 2),
  M: date => pad(date.getUTCMinutes(), 2),
  S: date => pad(date.getUTCSeconds(), 2),
  F: date => date.toISOString().slice(0, 10),
  T: date => date.toISOString().slice(11, 19),
  s: date => String(Math.floor(date.getTime() / 1000)),
  z: () => '+0000',
  Z: () => 'UTC',
  '%': () => '%',
}

/** A literal, a conversion that changes once a second, or how many digits of the second's fraction. */
type Part = string | ((date: Date) => string) | number

/** The formatter of a strftime format, or the conversion that it does not know. */
export function compileStartTime(format: string): StartTimeFormat | { readonly fault: string } {
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
  return new CachedStartTime(parts)
}

class CachedStartTime implements StartTimeFormat {
  readonly #parts: readonly Part[]
  /** This second's text: fixed pieces, and between them the widths of the fractions. */
  #pieces: (string | number)[] = []
  #second = Number.NaN

  constructor(parts: readonly Part[]) {
    this.#parts = parts
  }

  format(epochMs: number): string {
    const second = Math.floor(epochMs / 1000)
    if (second !== this.#second) this.#turnTo(second)
    const ms = Math.floor(epochMs - second * 1000)
    const fraction = ms < 10 ? `00${ms}` : ms < 100 ? `0${ms}` : `${ms}`
    let text = ''
    for (let i = 0; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]!
      text += typeof piece === 'string' ? piece : piece === 3 ? fraction : fraction.padEnd(9, '0').slice(0, piece)
    }
    return text
  }

  #turnTo(second: number): void {
    const date = new Date(second * 1000)
    this.#second = second
    this.#pieces = []
    for (const part of this.#parts) {
      const piece = typeof part === 'function' ? part(date) : part
      const last = this.#pieces.length - 1
      if (typeof piece === 'string' && typeof this.#pieces[last] === 'string') this.#pieces[last] += piece
      else this.#pieces.push(piece)
    }
  }
}
