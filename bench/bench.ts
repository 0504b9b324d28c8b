// `npm run bench -- NAME [--rounds N] [--seconds N] [--only a,b] [--json FILE]`: benchmarks against the real contestants.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Figures, formatFigures, medians, type RunOptions } from './figures.ts'
import { http1 } from './http1.ts'

const BENCHMARKS: Readonly<Record<string, (options: RunOptions) => Promise<Figures[][]>>> = { http1 }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '6' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const name = positionals[0] ?? ''
const benchmark = BENCHMARKS[name]
if (benchmark === undefined) {
  console.error(`usage: npm run bench -- NAME [--rounds N] [--seconds N] [--only weft,nginx] [--json FILE]
NAME is one of: ${Object.keys(BENCHMARKS).join(', ')}`)
  process.exit(64)
}
try {
  const rounds = await benchmark({
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    only: values.only.split(',').filter(Boolean),
    say: line => console.error(line),
  })
  console.log(formatFigures(rounds))
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ benchmark: name, contestants: medians(rounds), rounds }, null, 2)}\n`,
    )
  }
} catch (error) {
  console.error(`bench ${name}: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
