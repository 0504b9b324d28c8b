// Bytes that an end has heard, as they are compared: heads of HTTP with their fields in order of their names, and without
// what can never be the same.
import { normalValue } from '../normalisation.ts'

const V2_SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'
const HEAD = /^[^\r\n]* ?HTTP\/1\.1[^\r\n]*\r\n/
/** Of the header of PROXY version 2: behind the signature, command, family, length and two addresses of IPv4. */
const V2_PORTS = 24

export function readable(heard: string): string {
  if (heard.startsWith(V2_SIGNATURE)) {
    // The source's port is the client's own, the destination's the listener's.
    const isIpv4 = heard.charCodeAt(13) === 0x11
    const text = isIpv4 ? `${heard.slice(0, V2_PORTS)}(port)(port)${heard.slice(V2_PORTS + 4)}` : heard
    return JSON.stringify(text)
  }
  const text = heard.replace(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n/, 'PROXY TCP4 127.0.0.1 (ports)\r\n')
  const end = text.indexOf('\r\n\r\n')
  if (end < 0 || !HEAD.test(text)) return JSON.stringify(text)
  const [start = '', ...lines] = text.slice(0, end).split('\r\n')
  const fields = lines.map(line => {
    const colon = line.indexOf(':', 1)
    const name = line.slice(0, colon).toLowerCase()
    const value = normalValue(name, line.slice(colon + 1).trim())
    // Options are in any case (RFC 9110 7.6.1).
    return `${name}: ${name === 'connection' ? value.toLowerCase() : value}`
  })
  const rest = text.slice(end + 4)
  return JSON.stringify([start, ...fields.sort(), ''].join('\n')) + (rest === '' ? '' : ` ${readable(rest)}`)
}
