// VirtualService http[].corsPolicy: which origins' pages may call, and read the answers.
import type { StringMatch } from './string-match.ts'

export interface CorsPolicy {
  /** Empty: none. */
  readonly allowOrigins: readonly StringMatch[]
  readonly allowMethods: readonly string[]
  readonly allowHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly maxAgeSeconds?: number
  /** Absent: not said, which to a browser is no. */
  readonly allowCredentials?: boolean
  /** Whether a preflight from another origin goes on to the service. */
  readonly unmatchedPreflights: 'FORWARD' | 'IGNORE'
}
