// `npm run bench -- NAME`: benchmarks against the real contestants. See README.md here.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { BENCHMARKS } from './benchmarks/registry.ts'
import type { Benchmark } from './harness/benchmark.ts'
import { endChildren } from './harness/child.ts'
import { machine } from './harness/cores.ts'
import { FIGURES, formatTable, medianOf } from './harness/figures.ts'
import { type Outcome, runRounds } from './harness/rounds.ts'

const SEVERAL_WORKERS = BENCHMARKS.filter(({ defaults }) => defaults?.workers)
  .map(({ name }) => name)
  .join(', ')
const USAGE = `usage: npm run bench -- NAME [options]

${BENCHMARKS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}

  --rounds N         each contestant so often, in turn; medians are shown   (3)
  --seconds N        under load in each round                               (6)
  --warm-up N        seconds of the same load before                        (8)
  --connections N    of the load generator                                  (64)
  --workers N,N      worker threads of a contestant, in turn                (1; ${SEVERAL_WORKERS}: 1,2)
  --only a,b         these contestants only
  --json FILE        writes the figures, too`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'warm-up': { type: 'string' },
    connections: { type: 'string', default: '64' },
    workers: { type: 'string' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const benchmark = BENCHMARKS.find(({ name }) => name === positionals[0])
if (benchmark === undefined || positionals.length !== 1) {
  console.error(USAGE)
  process.exit(64)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endChildren()
    process.exit(1)
  })
}
try {
  const outcome = await run(benchmark)
  console.log(`${benchmark.name}: ${benchmark.summary}\n${machine()}\n\n${formatTable(outcome, benchmark)}`)
  for (const failure of outcome.failures) console.error(failure)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report(benchmark, outcome), null, 2)}\n`)
  process.exitCode = outcome.failures.length > 0 ? 1 : 0
} catch (error) {
  console.error(`bench ${benchmark.name}: ${(error as Error).message}`)
  process.exitCode = 1
}

async function run(chosen: Benchmark): Promise<Outcome> {
  const defaults = { rounds: 3, seconds: 6, warmUpSeconds: 8, workers: [1], ...chosen.defaults }
  const say = (line: string): void => console.error(line)
  await using release = new AsyncDisposableStack()
  const options = {
    seconds: Number(values.seconds ?? defaults.seconds),
    warmUpSeconds: Number(values['warm-up'] ?? defaults.warmUpSeconds),
    connections: Number(values.connections),
    workers: values.workers?.split(',').map(Number) ?? defaults.workers,
    only: values.only.split(',').filter(Boolean),
    say,
  }
  const runs = await chosen.prepare(options, release)
  if (runs.length === 0) throw new Error('no contestant is there')
  return await runRounds(runs, Number(values.rounds ?? defaults.rounds), say)
}

/**
 * Medians by contestant and case, and every round behind them: all figures that the benchmark measures, the table's and
 * others. Null where a contestant has no such figure.
 */
function report({ name }: Benchmark, { results, failures }: Outcome): object {
  const figures = FIGURES.filter(figure => results.some(result => medianOf(result, figure) !== null))
  const contestants = results.map(result => ({
    name: result.contestant,
    ...(result.case === '' ? {} : { case: result.case }),
    ...Object.fromEntries(figures.map(figure => [figure, medianOf(result, figure)])),
    rounds: result.rounds,
  }))
  return { benchmark: name, machine: machine(), date: new Date().toISOString(), contestants, failures }
}
