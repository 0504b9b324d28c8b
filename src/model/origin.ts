// Which object of the config caused a resource: carried to the last xDS resource, so that "why" has an answer.
import type { SourcePosition } from '../base/problem.ts'

export interface Origin {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly position?: SourcePosition
}
