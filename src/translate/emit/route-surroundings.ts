// Where routes are made for: which listener, which client, and what it can look up.
import type { HttpRetry } from '../../model/http-retry.ts'
import type { Labels } from '../link/label-selector.ts'
import type { HashLookup } from './hash-policy.ts'

export interface RouteSurroundings {
  /** Of the listener: what `match.port` and FROM_REQUEST_PORT mean, and the last resort of a destination without port. */
  readonly port: number
  /** `mesh`, or the gateways whose listener it is: `namespace/name`. */
  readonly gateways: ReadonlySet<string>
  readonly clientNamespace: string
  readonly clientLabels: Labels
  readonly defaultRetry: HttpRetry | null
  /** An authority that is rewritten is kept in x-forwarded-host. */
  readonly keepsForwardedHost: boolean
  /** By the host spelt out. */
  readonly hashOf: HashLookup
  /** A host as the VirtualService wrote it, spelt out. */
  expand(host: string): string
  /** Undefined when the service is not known, or has several. */
  onlyPortOf(host: string): number | undefined
}
