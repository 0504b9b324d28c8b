// Every run once a round, in turn, so that a slow minute of the machine falls on all of them.
import type { Measured, Run } from './benchmark.ts'

export interface Result {
  readonly contestant: string
  readonly case: string
  /** One a round. */
  readonly rounds: readonly Measured[]
}

export interface Outcome {
  readonly results: readonly Result[]
  /** Who could not be measured, and why. */
  readonly failures: readonly string[]
}

export async function runRounds(runs: readonly Run[], rounds: number, say: (line: string) => void): Promise<Outcome> {
  const measured = new Map<Run, Measured[]>(runs.map(run => [run, []]))
  const failures: string[] = []
  for (let round = 1; round <= rounds; round++) {
    for (const [run, figures] of measured) {
      const name = run.case === '' ? run.contestant : `${run.contestant}, ${run.case}`
      say(`round ${round} of ${rounds}: ${name}`)
      try {
        figures.push(await run.measure())
      } catch (error) {
        // A figure of fewer rounds than the others would be compared with what it was not beside.
        measured.delete(run)
        failures.push(`${name}: not measured: ${(error as Error).message}`)
        say(failures.at(-1)!)
      }
    }
  }
  const results = [...measured].map(([run, list]) => ({ contestant: run.contestant, case: run.case, rounds: list }))
  return { results, failures }
}
