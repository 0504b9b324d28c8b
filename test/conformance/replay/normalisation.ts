// What is left out, or made alike, before a recorded outcome is compared with Weft's. Nothing else is forgiven.
import type { Outcome } from '../case-file.ts'

/** Response headers that no comparison sees, and why. */
const IGNORED_RESPONSE_HEADERS: Readonly<Record<string, string>> = {
  date: 'the time of the recording',
  'x-envoy-upstream-service-time': 'a duration',
  'x-envoy-decorator-operation': 'belongs to tracing, which Weft does not have yet',
}

/** Request headers, as the upstream sees them, that no comparison sees, and why. */
const IGNORED_REQUEST_HEADERS: Readonly<Record<string, string>> = {
  'x-request-id': 'generated, or the number of the request',
  'x-envoy-decorator-operation': 'belongs to tracing, which Weft does not have yet',
}

/**
 * Envoy gives a caller on loopback the machine's own address; Weft says 127.0.0.1, which is what it is
 * (docs/differences-from-istio.md).
 */
function loopback(value: string): string {
  return value.replaceAll('OWN-ADDRESS', '127.0.0.1')
}

/**
 * The outcome as field names and values. The order of response flags is left out: it is that of Envoy's own enumeration,
 * which changes from version to version.
 */
export function comparable(outcome: Outcome): Map<string, string> {
  const fields = new Map<string, string>()
  const put = (field: string, value: string | number | undefined): void => {
    if (value !== undefined) fields.set(field, String(value))
  }
  put('error', outcome.error)
  put('status', outcome.status)
  put('body', outcome.body)
  for (const [name, value] of Object.entries(outcome.headers ?? {})) {
    if (!(name in IGNORED_RESPONSE_HEADERS)) put(`response ${name}`, text(value))
  }
  put('upstream', outcome.upstream?.name)
  put('upstream method', outcome.upstream?.method)
  put('upstream path', outcome.upstream?.path)
  put('upstream body', outcome.upstream?.body)
  for (const [name, value] of Object.entries(outcome.upstream?.headers ?? {})) {
    if (!(name in IGNORED_REQUEST_HEADERS)) put(`upstream ${name}`, loopback(text(value)))
  }
  put('flags', outcome.flags?.split(',').sort().join(','))
  put('details', outcome.details)
  put('cluster', outcome.cluster)
  put('route', outcome.route)
  put('endpoint', outcome.endpoint)
  return fields
}

function text(value: string | readonly string[]): string {
  return typeof value === 'string' ? value : value.join('\n')
}
