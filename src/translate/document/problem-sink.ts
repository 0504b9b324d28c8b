// Collects the problems of one object, each with its object's name on it.
import type { Problem, Severity, SourcePosition } from '../../base/problem.ts'
import type { ProblemCode } from '../../base/problem-table.ts'

/** Where something stands: what a problem needs to point at it. */
export interface FieldPlace {
  readonly path: string
  readonly position: SourcePosition
}

export class ProblemSink {
  readonly problems: Problem[] = []
  hasErrors = false
  readonly #object: string | undefined

  constructor(object: string | undefined) {
    this.#object = object
  }

  report(code: ProblemCode, severity: Severity, place: FieldPlace, message: string, hint?: string): void {
    if (severity === 'error') this.hasErrors = true
    this.problems.push({
      code,
      severity,
      message,
      ...(this.#object === undefined ? {} : { object: this.#object }),
      ...(place.path === '' ? {} : { path: place.path }),
      position: place.position,
      ...(hint === undefined ? {} : { hint }),
    })
  }

  error(code: ProblemCode, place: FieldPlace, message: string, hint?: string): void {
    this.report(code, 'error', place, message, hint)
  }

  badValue(place: FieldPlace, message: string, hint?: string): void {
    this.report('WEFT-1005', 'error', place, message, hint)
  }

  contradiction(place: FieldPlace, message: string, hint?: string): void {
    this.report('WEFT-1011', 'error', place, message, hint)
  }

  unsupported(place: FieldPlace, what: string, hint?: string): void {
    this.report('WEFT-1007', 'error', place, `${what} is not supported yet`, hint)
  }
}
