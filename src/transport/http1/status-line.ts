// Status lines, made once each.
import { STATUS_CODES } from '../http/node-http.ts'

const lines: string[] = []

/** `HTTP/1.1 200 OK` and its line end. RFC 9112 4: the reason carries no meaning, so an upstream's own is not kept. */
export function statusLine(status: number): string {
  const made = lines[status]
  if (made !== undefined) return made
  const line = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`
  lines[status] = line
  return line
}

const linesOf10: string[] = []

/** For clients of HTTP/1.0, where they are served: Envoy answers them in their own version. */
export function statusLineOf10(status: number): string {
  const made = linesOf10[status]
  if (made !== undefined) return made
  const line = statusLine(status).replace('HTTP/1.1', 'HTTP/1.0')
  linesOf10[status] = line
  return line
}

/** The registered words for a status, `Unknown` as in Envoy for one without: 418 is registered as unused (RFC 9110 15.5.19). */
export function reasonPhrase(status: number): string {
  return status === 418 ? 'Unknown' : (STATUS_CODES[status] ?? 'Unknown')
}
