// Durations as Istio writes them: "1h", "1.5s", "250ms".

const DURATION = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/
const PART = /(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g
const MILLISECONDS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
}

/** Milliseconds, or null when the text is no duration or lies outside what Envoy takes (about 10 000 years). */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0
  if (text.length > 64 || !DURATION.test(text)) return null
  let total = 0
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * MILLISECONDS[unit!]!
  total = Math.round(total * 1e6) / 1e6
  return Number.isFinite(total) && total < 3.15e14 ? total : null
}
