// The generated page of every problem code: docs/problems.md.
import { PROBLEM_TABLE, type ProblemEntry } from '../src/base/problem-table.ts'

const CHAPTERS: Readonly<Record<string, string>> = {
  'WEFT-1': 'Config that was refused',
  'WEFT-2': 'The control plane',
  'WEFT-3': 'The machine and the command line',
  'WEFT-4': 'The data plane',
}

export function problemPage(): string {
  let page = `# Problems, by code

Generated from \`src/base/problem-table.ts\` by \`npm run docs\`. A code keeps its meaning for ever.
`
  const entries: [string, ProblemEntry][] = Object.entries(PROBLEM_TABLE)
  for (const [prefix, title] of Object.entries(CHAPTERS)) {
    const own = entries.filter(([code]) => code.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1))
    if (own.length === 0) continue
    page += `\n## ${title}\n`
    for (const [code, entry] of own) {
      page += `\n### ${code}: ${entry.title}\n\n${entry.meaning}\n\n**What to do.** ${entry.remedy}\n`
    }
  }
  return page
}
