// Where a route sends to.
import type { SourcePosition } from '../base/problem.ts'
import type { Headers } from './header-operations.ts'

export interface Destination {
  /** As written; a short name is of the namespace of the object that holds it. */
  readonly host: string
  /** Empty: all endpoints. */
  readonly subset: string
  /** Absent: the service's only port, else the listener's. */
  readonly port?: number
}

export interface RouteDestination {
  readonly destination: Destination
  /** Relative to the sum; absent counts as 0 among several, and as all when alone. */
  readonly weight: number
  readonly headers: Headers
  readonly position: SourcePosition
}
