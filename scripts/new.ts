// `npm run new -- filter NAME` and `npm run new -- kind NAME`: the folder of a new island and its registry lines.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { configKind } from './scaffold/config-kind.ts'
import { httpFilter } from './scaffold/http-filter.ts'
import { type Names, namesOf } from './scaffold/names.ts'
import type { Scaffold } from './scaffold/scaffold.ts'

const SCAFFOLDS: Readonly<Record<string, (names: Names) => Scaffold>> = { filter: httpFilter, kind: configKind }

function fail(message: string): never {
  console.error(message)
  process.exit(64)
}

const [what = '', name = ''] = process.argv.slice(2)
const scaffold = SCAFFOLDS[what]
const names = namesOf(name)
if (scaffold === undefined || names === null)
  fail('usage: npm run new -- filter NAME | kind NAME   (NAME: words-like-this or LikeThis)')

const root = process.env['WEFT_SCAFFOLD_ROOT'] ?? join(import.meta.dirname, '..')
const { files, insertions, next } = scaffold(names)
const present = files.filter(file => existsSync(join(root, file.path)))
if (present.length > 0) fail(`already there: ${present.map(file => file.path).join(', ')}`)

// All of it is worked out before any of it is written.
const changed = new Map<string, string>(files.map(file => [file.path, file.text]))
for (const { path, before, text } of insertions) {
  const current = changed.get(path) ?? readFileSync(join(root, path), 'utf8')
  const at = current.search(before)
  if (at < 0) fail(`${path}: nothing matches ${before}`)
  changed.set(path, current.slice(0, at) + text + current.slice(at))
}
for (const [path, text] of changed) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  console.log(path)
}
const formatted = [...changed.keys()].filter(path => path.endsWith('.ts'))
execFileSync(join(import.meta.dirname, '../node_modules/.bin/biome'), ['check', '--write', ...formatted], {
  cwd: root,
  stdio: 'ignore',
})
console.log(next)
