// VirtualService http[].mirrors[]: who gets copies of a rule's requests, and whose answers nobody waits for.
import type { SourcePosition } from '../base/problem.ts'
import type { Destination } from './destination.ts'

export interface HttpMirror {
  readonly destination: Destination
  /** Of 100; absent: all requests. */
  readonly percentage?: number
  readonly position: SourcePosition
}
