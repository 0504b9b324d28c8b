// The one table of stable codes. A code is never given a second meaning: a retired one stays, marked so.
// docs/problems.md is generated from it (npm run docs), and a test holds the two together.
import { CONFIG_PROBLEMS } from './problems/config.ts'
import { CONTROL_PLANE_PROBLEMS } from './problems/control-plane.ts'
import { DATA_PLANE_PROBLEMS } from './problems/data-plane.ts'
import { ENVIRONMENT_PROBLEMS } from './problems/environment.ts'

export interface ProblemEntry {
  /** A few words, for the heading of its page. */
  readonly title: string
  /** When it occurs. */
  readonly meaning: string
  /** What its reader does about it. */
  readonly remedy: string
}

export const PROBLEM_TABLE = {
  ...CONFIG_PROBLEMS,
  ...CONTROL_PLANE_PROBLEMS,
  ...DATA_PLANE_PROBLEMS,
  ...ENVIRONMENT_PROBLEMS,
} as const satisfies Readonly<Record<`WEFT-${number}`, ProblemEntry>>

export type ProblemCode = keyof typeof PROBLEM_TABLE
