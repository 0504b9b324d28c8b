// Versions and algorithms of TLS, and which of them OpenSSL has.
import { createSecureContext, getCiphers, type SecureContextOptions, type SecureVersion } from 'node:tls'

export interface TlsParameters {
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  /** OpenSSL names, for TLS 1.2 and below; empty: OpenSSL's own. */
  readonly cipherSuites: readonly string[]
  readonly ecdhCurves: readonly string[]
  readonly signatureAlgorithms: readonly string[]
}

/** One name; of a list, or of words that steer OpenSSL (`!`, `?`, `auto`, `ALL`), it takes more than is written. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_+-]*$/
/** What OpenSSL has taken: no more than it knows. */
const known = new Set<string>()

/** Those of TLS 1.3 are no choice, as in BoringSSL. Of several, OpenSSL would pass over the ones that it does not know. */
export function isCipherSuite(name: string): boolean {
  const lower = name.toLowerCase()
  return name !== lower && name === name.toUpperCase() && !lower.startsWith('tls_') && getCiphers().includes(lower)
}

export function isEcdhCurve(name: string): boolean {
  return name !== 'auto' && isTaken(name, { ecdhCurve: name })
}

export function isSignatureAlgorithm(name: string): boolean {
  return isTaken(name, { sigalgs: name })
}

function isTaken(name: string, options: SecureContextOptions): boolean {
  const key = JSON.stringify(options)
  if (known.has(key)) return true
  if (!NAME.test(name)) return false
  try {
    createSecureContext({ ca: [], ...options })
  } catch {
    return false
  }
  known.add(key)
  return true
}
