// The server name of a TLS hello as it is told on: to matchers, logs, fields, and the target of a CONNECT.

const PLAIN = /^[a-z0-9._-]*$/
const STRANGE = /[^a-z0-9._-]/g

/**
 * In lower case. A client may send any bytes: what stands in no host name becomes `_`, and the whole is marked (as Envoy
 * does), lest it end a line wherever it is written, or pass for another's name.
 */
export function plainServerName(name: string): string {
  const lower = name.toLowerCase()
  return PLAIN.test(lower) ? lower : `invalid:${lower.replaceAll(STRANGE, '_')}`
}
