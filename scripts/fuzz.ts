// `npm run fuzz -- [--seconds N] [--seed S [--path P]] [CODEC…]`: each fuzzer for N seconds (10 unless said), from a seed
// that is printed, with cases a second. A failure names its seed and its path, which show it again at once.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' }, path: { type: 'string' } },
  allowPositionals: true,
})
const { seconds, seed = '', path = '' } = values
const all = globSync('test/fuzz/*.test.ts', { cwd: root }).sort()
const codecs = all.map(file => basename(file, '.test.ts'))
const isNumber = (text: string): boolean => /^-?[0-9]+$/.test(text)
if (!(Number(seconds) > 0) || !(seed === '' || isNumber(seed)) || !positionals.every(name => codecs.includes(name))) {
  console.error(`usage: npm run fuzz -- [--seconds N] [--seed S [--path P]] [CODEC...], of ${codecs.join(', ')}`)
  process.exit(64)
}
const files = all.filter(file => positionals.length === 0 || positionals.includes(basename(file, '.test.ts')))
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, FUZZ_SECONDS: seconds, FUZZ_SEED: seed, FUZZ_PATH: path },
})
process.exit(status ?? 1)
