// What can never be the same in two proxies, written as what it is.

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

export function normalValue(name: string, value: string): string {
  if (name === 'date' && DATE.test(value)) return '(date)'
  if (name === 'x-request-id' && UUID.test(value)) return '(uuid)'
  if (name === 'x-envoy-upstream-service-time' && /^\d+$/.test(value)) return '(ms)'
  // What is left of the route's timeout at a retry.
  if (name === 'x-envoy-expected-rq-timeout-ms' && /^\d+$/.test(value))
    return `about ${Math.ceil(Number(value) / 1000)} s`
  // Listeners' and clients' own ports.
  return value.replace(/\b127\.0\.0\.1:\d{4,5}\b/g, '127.0.0.1:(port)')
}
