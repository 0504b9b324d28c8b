// A scaffold fits the tree it is put into: it compiles, and its own tests are red until someone does the work.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

const root = join(import.meta.dirname, '..')
let tree: string

before(() => {
  tree = mkdtempSync(join(tmpdir(), 'weft-scaffold-'))
  for (const entry of ['src', 'package.json', 'tsconfig.json', 'biome.json', '.gitignore']) {
    cpSync(join(root, entry), join(tree, entry), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
})
after(() => rmSync(tree, { recursive: true, force: true }))

function run(command: string, ...args: readonly string[]) {
  const env: NodeJS.ProcessEnv = { ...process.env, WEFT_SCAFFOLD_ROOT: tree }
  // The runner's own variable would make a nested runner report to it instead of to us.
  delete env['NODE_TEST_CONTEXT']
  return spawnSync(command, args, { cwd: tree, encoding: 'utf8', env })
}

function scaffold(...args: readonly string[]) {
  return run(process.execPath, join(root, 'scripts/new.ts'), ...args)
}

test('a filter and a kind compile where they are put, and are red', () => {
  for (const [what, name, file] of [
    ['filter', 'ip-tagging', 'src/data-plane/filters/http/ip-tagging/config.test.ts'],
    ['kind', 'WasmPlugin', 'src/translate/istio/wasm-plugin/wasm-plugin.test.ts'],
  ] as const) {
    const made = scaffold(what, name)
    assert.equal(made.status, 0, made.stderr)
    const red = run(process.execPath, '--test', file)
    assert.notEqual(red.status, 0, `${file} is red`)
    assert.match(red.stdout, /fail 1/, red.stdout + red.stderr)
  }
  const types = run(join(root, 'node_modules/.bin/tsc'), '--noEmit', '-p', 'tsconfig.json')
  assert.equal(types.status, 0, types.stdout)
})

test('what is there already is not written over, and a bad name is refused', () => {
  assert.equal(scaffold('filter', 'router').status, 64)
  assert.equal(scaffold('filter', '../evil').status, 64)
  assert.equal(scaffold('thing', 'name').status, 64)
})
