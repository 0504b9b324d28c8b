// `npm test`: types, lint and format, then every test that needs no system package. Fails on the first of them that
// fails, and on a process left behind. `npm test -- FILE…` runs only those test files.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { leakedProcesses, RUN_MARK } from './leaked-processes.ts'

const root = join(import.meta.dirname, '..')
const mark = `check-${process.pid}-${Date.now()}`
const TESTS = [
  'src',
  'test/conformance',
  'test/hostile',
  'test/fuzz',
  'test/integration',
  'examples',
  'bench',
  'scripts',
].map(folder => `${folder}/**/*.test.ts`)

function run(title: string, command: string, args: readonly string[]): void {
  const started = performance.now()
  console.log(`\n> ${title}`)
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    // Each test file is a process of its own; compiled code is kept between them.
    env: { ...process.env, [RUN_MARK]: mark, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile') },
  })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (status !== 0) {
    console.error(`\n${title} failed (${error?.message ?? signal ?? `exit ${status}`}) after ${seconds} s`)
    process.exit(1)
  }
  console.log(`${title}: fine, ${seconds} s`)
}

const named = process.argv.slice(2)
run('xDS messages', process.execPath, ['scripts/generate-xds.ts'])
if (named.length === 0) {
  run('types', join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', 'tsconfig.json'])
  run('lint and format', join(root, 'node_modules/.bin/biome'), ['check', '--error-on-warnings', '.'])
}
const files = named.length > 0 ? named : ['test/*.test.ts', ...TESTS]
run('tests', process.execPath, ['--test', '--test-timeout=300000', '--test-reporter=spec', ...files])

const leaked = leakedProcesses(mark)
if (leaked.length > 0) {
  console.error(`\nprocesses left behind:\n${leaked.join('\n')}`)
  process.exit(1)
}
