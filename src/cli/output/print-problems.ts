// Problems for people: all of them, those of one file together, in the order of their lines.
import { formatProblem, type Problem } from '../../base/problem.ts'

/** Lines to print; a blank line between files. */
export function formatProblems(problems: readonly Problem[]): string {
  const files = new Map<string, Problem[]>()
  for (const problem of problems) {
    const file = problem.position?.file ?? ''
    const known = files.get(file)
    if (known) known.push(problem)
    else files.set(file, [problem])
  }
  const groups = [...files.values()].map(group => {
    const sorted = group.toSorted((a, b) => place(a) - place(b))
    return sorted.map(problem => `${formatProblem(problem)}\n`).join('')
  })
  return groups.join('\n')
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(problem => problem.severity === 'error')
}

/** `2 errors, 1 warning` */
export function countProblems(problems: readonly Problem[]): string {
  const parts: string[] = []
  for (const severity of ['error', 'warning', 'info'] as const) {
    const count = problems.filter(problem => problem.severity === severity).length
    if (count > 0) parts.push(`${count} ${severity}${count === 1 || severity === 'info' ? '' : 's'}`)
  }
  return parts.join(', ')
}

function place(problem: Problem): number {
  return (problem.position?.line ?? 0) * 10_000 + (problem.position?.column ?? 0)
}
