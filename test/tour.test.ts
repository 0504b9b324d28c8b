// The README's tour and docs/tour.md: command lines that the program takes, files that are there and that it honours.
// What the tasks do to traffic is shown by test/system/bookinfo-*.test.ts.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTestContext } from '../src/cli/launcher/testing/test-context.ts'
import { VERBS } from '../src/cli/registry.ts'
import { DEFAULT_MESH_CONFIG } from '../src/model/mesh-config.ts'
import { link } from '../src/translate/link/link.ts'
import { parseConfig } from '../src/translate/parse-config.ts'

const root = join(import.meta.dirname, '..')
const NETWORKING = 'examples/bookinfo/networking'
const text = ['README.md', 'docs/tour.md'].map(page => readFileSync(join(root, page), 'utf8')).join('\n')

test('every `npx weft` of the tour is a verb with options that it has', async () => {
  const { context } = createTestContext(root)
  const lines = [...text.matchAll(/\bnpx weft ([a-z-]+)([^\n`]*)/g)]
  assert.ok(lines.length > 20)
  for (const [line, name, rest = ''] of lines) {
    const verb = VERBS.find(each => each.name === name)
    assert.ok(verb, `${line}: no such verb`)
    const { options } = (await verb.load())(context)
    // What follows `--` is a command of the reader's own.
    for (const [option] of rest.split(' -- ')[0]!.matchAll(/(?<= )--?[a-z][a-z-]*/g))
      assert.ok(
        options.some(each => each.short === option || each.long === option),
        `${line}: no option ${option}`,
      )
  }
})

test('every file that the tour names is there', () => {
  const paths = [...text.matchAll(/\bexamples\/[\w./-]+\.\w+/g)].map(([path]) => path)
  const names = [...text.matchAll(/(?<=[`/])(?:virtual-service|destination-rule|egress)-[\w-]+\.yaml/g)]
  assert.ok(names.length > 20)
  const wanted = new Set([...paths, ...names.map(([name]) => join(NETWORKING, name))])
  assert.deepEqual(
    [...wanted].filter(path => !existsSync(join(root, path))),
    [],
  )
})

test('every file for Bookinfo is honoured whole, beside what its directory says', () => {
  const parse = (files: readonly string[]) =>
    parseConfig(
      files.map(file => ({ file, text: readFileSync(join(root, file), 'utf8') })),
      { defaultNamespace: 'default' },
    )
  const mesh = parse([
    ...globSync('examples/bookinfo/mesh/*.yaml', { cwd: root }),
    `${NETWORKING}/egress-service-entry.yaml`,
  ])
  const files = globSync(`${NETWORKING}/*.yaml`, { cwd: root })
  assert.ok(files.length > 10)
  for (const file of files) {
    const { objects, problems } = parse([file])
    const others = mesh.objects.filter(old => !objects.some(each => each.kind === old.kind && each.name === old.name))
    const linked = link({
      objects: [...others, ...objects],
      services: [],
      workloads: [],
      meshConfig: DEFAULT_MESH_CONFIG,
    })
    assert.deepEqual([...problems, ...linked.problems], [], file)
  }
})
