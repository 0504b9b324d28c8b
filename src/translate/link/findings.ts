// Collects what a check of the whole mesh finds, each with its object's name on it.
import type { Problem, SourcePosition } from '../../base/problem.ts'
import type { ProblemCode } from '../../base/problem-table.ts'
import type { ConfigKind, ConfigObjectOf } from '../../model/config-object.ts'
import { nearestName } from '../document/nearest-name.ts'

/** Each costs a look at every name there is. */
const MAX_SUGGESTIONS = 50

export class Findings {
  readonly problems: Problem[] = []
  #suggestions = 0

  add(
    code: ProblemCode,
    object: ConfigObjectOf<ConfigKind>,
    path: string,
    position: SourcePosition,
    message: string,
    hint?: string,
  ): void {
    this.problems.push({ ...found(code, object, path, position, message), severity: 'warning', ...(hint && { hint }) })
  }

  /** What Istio has no say in, and cannot be meant. */
  refuse(
    code: ProblemCode,
    object: ConfigObjectOf<ConfigKind>,
    path: string,
    position: SourcePosition,
    message: string,
  ): void {
    this.problems.push({ ...found(code, object, path, position, message), severity: 'error' })
  }

  suggest(name: string, candidates: Iterable<string>): string | undefined {
    if (++this.#suggestions > MAX_SUGGESTIONS) return undefined
    const near = nearestName(name, candidates)
    return near && `did you mean "${near}"?`
  }
}

function found(
  code: ProblemCode,
  object: ConfigObjectOf<ConfigKind>,
  path: string,
  position: SourcePosition,
  message: string,
) {
  return { code, object: `${object.kind} ${object.namespace}/${object.name}`, path, message, position }
}
