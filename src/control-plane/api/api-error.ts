// An error of the API: a status, a stable code, a sentence, and every problem there is.
import type { Problem } from '../../base/problem.ts'
import type { ProblemCode } from '../../base/problem-table.ts'

export class ApiError extends Error {
  readonly status: number
  readonly code: ProblemCode
  readonly problems: readonly Problem[]

  constructor(status: number, code: ProblemCode, message: string, problems: readonly Problem[] = []) {
    super(message)
    this.status = status
    this.code = code
    this.problems = problems
  }
}

export interface ErrorBody {
  readonly error: { readonly code: ProblemCode; readonly message: string; readonly problems: readonly Problem[] }
}

export function errorBody(error: ApiError): ErrorBody {
  return { error: { code: error.code, message: error.message, problems: error.problems } }
}
