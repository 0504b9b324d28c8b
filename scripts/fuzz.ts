// `npm run fuzz -- [--factor N]`: the codecs' fuzzers, for N times as many runs as `npm test` gives them (100 unless said).
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { factor: { type: 'string', default: '100' } } })
const factor = Number(values.factor)
if (!Number.isInteger(factor) || factor < 1) {
  console.error('usage: npm run fuzz -- [--factor N], N a whole number above 0')
  process.exit(64)
}
const files = globSync('src/**/*fuzz.test.ts', { cwd: root })
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, FUZZ_FACTOR: String(factor) },
})
process.exit(status ?? 1)
