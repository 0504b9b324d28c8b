// What can never be the same in two proxies, written as what it is.

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

export function normalValue(name: string, value: string): string {
  if (name === 'date' && DATE.test(value)) return '(date)'
  if (name === 'x-request-id' && UUID.test(value)) return '(uuid)'
  if (name === 'x-envoy-upstream-service-time') return value.replace(/^\d+/, '(ms)')
  // Of a bucket that fills by the hour.
  if (name === 'x-ratelimit-reset' && /^\d{4,}$/.test(value)) return `about ${Math.ceil(Number(value) / 3600)} h`
  // What is left of the route's timeout at a retry.
  if (name === 'x-envoy-expected-rq-timeout-ms' && /^\d+$/.test(value))
    return `about ${Math.ceil(Number(value) / 1000)} s`
  // Listeners' and clients' own ports.
  return value.replace(/\b127\.0\.0\.1:\d{4,5}\b/g, '127.0.0.1:(port)')
}

const ANY_UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const WORDS_OF_TIME = /\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|AM|PM)[a-z]*\b/g

/** What is never the same, by its kind: numbers, times, ports, ids. */
export function shapeOf(value: unknown): unknown {
  if (typeof value === 'number') return '(number)'
  if (typeof value !== 'string') return value
  // A duration that is negative is nought where it is short.
  return value
    .replace(/^<-(\d+)>$/, '<$1>')
    .replace(ANY_UUID, '(uuid)')
    .replace(WORDS_OF_TIME, '(day)')
    .replace(/\d+/g, '0')
}
