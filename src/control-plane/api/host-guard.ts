// Who may talk to an API on loopback: programs of this machine, and pages that the API itself served; no other site.
import type { IncomingHttpHeaders } from 'node:http'

const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i

/**
 * Null when the request is fine. A page elsewhere can reach loopback by a name of its own that resolves there (DNS
 * rebinding: the Host header tells), or by a cross-site request (Origin and Sec-Fetch-Site tell).
 */
export function refusalOf(headers: IncomingHttpHeaders): string | null {
  const host = headers.host ?? ''
  if (!LOOPBACK.test(host)) return `the Host header must name a loopback address, not ${JSON.stringify(host)}`
  const { origin } = headers
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return `requests of pages of ${JSON.stringify(origin)} are not served`
  if (headers['sec-fetch-site'] === 'cross-site') return 'requests of other sites are not served'
  return null
}
