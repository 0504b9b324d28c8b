// What is wrong with a config, said so that its writer can mend it: what, where, and what to do.
import type { ProblemCode } from './problem-table.ts'

export type Severity = 'error' | 'warning' | 'info'

export interface SourcePosition {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
}

export interface Problem {
  readonly code: ProblemCode
  readonly severity: Severity
  /** One sentence: what is wrong, in the words of the config. */
  readonly message: string
  /** `VirtualService default/reviews`, or the xDS resource's type and name. */
  readonly object?: string
  /** Path of the field in the object: `spec.http[0].route[1].weight`. */
  readonly path?: string
  readonly position?: SourcePosition
  /** What to do about it, where that is known: `did you mean "timeout"?` */
  readonly hint?: string
}

/** The outcome of reading something foreign: the value, or every problem with it. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** One line, as the command line prints it: `mesh/reviews.yaml:12:7: error WEFT-1003 spec.http[0].timeut: unknown field; did you mean "timeout"?` */
export function formatProblem(problem: Problem): string {
  const at = problem.position
  const where = at ? `${at.file}:${at.line}:${at.column}: ` : ''
  const subject = [problem.object, problem.path].filter(part => part !== undefined).join(' ')
  const hint = problem.hint ? `; ${problem.hint}` : ''
  return `${where}${problem.severity} ${problem.code} ${subject ? `${subject}: ` : ''}${problem.message}${hint}`
}
