// Documentation that cannot rot: generated pages are current, and every file that a page points at is there.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { hostilePage } from '../scripts/hostile-page.ts'
import { problemPage } from '../scripts/problem-page.ts'

const root = join(import.meta.dirname, '..')
const LINK = /\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g

test('docs/problems.md is what `npm run docs` writes', () => {
  assert.equal(readFileSync(join(root, 'docs/problems.md'), 'utf8'), problemPage())
})

test('docs/hostile-traffic.md is what `npm run docs` writes', async () => {
  assert.equal(readFileSync(join(root, 'docs/hostile-traffic.md'), 'utf8'), await hostilePage())
})

test('every link of a page leads to a file', () => {
  const pages = globSync('{*.md,docs/**/*.md,src/**/*.md,test/**/*.md,examples/**/*.md}', { cwd: root })
  assert.ok(pages.length > 5)
  const broken: string[] = []
  for (const page of pages) {
    for (const [, target] of readFileSync(join(root, page), 'utf8').matchAll(LINK)) {
      if (!existsSync(join(root, dirname(page), target!))) broken.push(`${page} -> ${target}`)
    }
  }
  assert.deepEqual(broken, [])
})
