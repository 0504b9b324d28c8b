import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock } from '../../../base/clock.ts'
import { silentLog } from '../../../base/log.ts'
import type { Problem } from '../../../base/problem.ts'
import type { SourceText } from '../../../model/source-text.ts'
import { DirectorySource } from './directory-source.ts'

interface Watched {
  readonly directory: string
  readonly source: DirectorySource
  readonly reported: Problem[]
  /** Resolves with the file names and texts of the first take-over that satisfies `wanted`. */
  until(wanted: (files: Record<string, string>) => boolean): Promise<Record<string, string>>
}

function watchDirectory(initial: Record<string, string> = {}, options = { create: true }): Watched {
  const root = mkdtempSync(join(tmpdir(), 'weft-directory-'))
  const directory = join(root, 'mesh')
  if (options.create) mkdirSync(directory)
  for (const [name, text] of Object.entries(initial)) writeFileSync(join(directory, name), text)
  const waiting = new Set<(files: Record<string, string>) => void>()
  let last: Record<string, string> = {}
  const reported: Problem[] = []
  const take = (documents: readonly SourceText[]) => {
    last = Object.fromEntries(documents.map(one => [one.file.slice(directory.length + 1), one.text]))
    for (const tell of waiting) tell(last)
    const bad = documents.some(one => one.text.includes('bad'))
    const problems: Problem[] = bad ? [{ code: 'WEFT-1001', severity: 'error', message: 'bad' }] : []
    return { accepted: !bad, revision: 1, problems }
  }
  const report = (problems: readonly Problem[]): void => void reported.push(...problems)
  const source = new DirectorySource({ directory, clock: systemClock, log: silentLog, take, report })
  // The source's own timers keep nobody alive.
  const alive = setInterval(() => {}, 1000)
  after(() => {
    clearInterval(alive)
    source.close()
    rmSync(root, { recursive: true, force: true })
  })
  source.start()
  const until: Watched['until'] = wanted =>
    new Promise(resolve => {
      const tell = (files: Record<string, string>): void => {
        if (!wanted(files)) return
        waiting.delete(tell)
        resolve(files)
      }
      waiting.add(tell)
      tell(last)
    })
  return { directory, source, reported, until }
}

test('saving, replacing, nesting and removing files take effect; other files are none of its business', async () => {
  const { directory, until, source } = watchDirectory({ 'a.yaml': 'one' })
  assert.equal(source.state.problems.length, 0)
  writeFileSync(join(directory, 'a.yaml'), 'two')
  writeFileSync(join(directory, 'notes.txt'), 'x')
  writeFileSync(join(directory, '.a.yaml.swp'), 'x')
  assert.deepEqual(await until(files => files['a.yaml'] === 'two'), { 'a.yaml': 'two' })
  // As editors save: a new file beside, renamed over the old one.
  writeFileSync(join(directory, 'a.yaml~'), 'three')
  renameSync(join(directory, 'a.yaml~'), join(directory, 'a.yaml'))
  await until(files => files['a.yaml'] === 'three')
  mkdirSync(join(directory, 'deep/er'), { recursive: true })
  writeFileSync(join(directory, 'deep/er/b.json'), '{}')
  await until(files => files[join('deep', 'er', 'b.json')] === '{}')
  rmSync(join(directory, 'a.yaml'))
  await until(files => files['a.yaml'] === undefined)
})

test('a refused save is told once, stays in the state, and is tried again on demand', async () => {
  const { directory, until, source, reported } = watchDirectory({ 'a.yml': 'fine' })
  writeFileSync(join(directory, 'a.yml'), 'bad')
  await until(files => files['a.yml'] === 'bad')
  assert.equal(source.state.problems.length, 1)
  source.retry()
  assert.equal(reported.length, 1)
  writeFileSync(join(directory, 'a.yml'), 'good')
  await until(files => files['a.yml'] === 'good')
  assert.equal(source.state.problems.length, 0)
  assert.notEqual(source.state.lastLoadedAt, null)
})

test('a directory that goes away is not an empty one, and is found again when it comes back', async () => {
  const { directory, until, source } = watchDirectory({ 'a.yaml': 'one' })
  renameSync(directory, `${directory}-away`)
  await new Promise<void>(resolve => {
    const look = (): void => void (source.state.problems[0]?.code === 'WEFT-2016' ? resolve() : setImmediate(look))
    look()
  })
  assert.deepEqual(await until(() => true), { 'a.yaml': 'one' })
  mkdirSync(directory)
  writeFileSync(join(directory, 'b.yaml'), 'two')
  await until(files => files['b.yaml'] === 'two')
  writeFileSync(join(directory, 'b.yaml'), 'three')
  await until(files => files['b.yaml'] === 'three')
  assert.equal(source.state.problems.length, 0)
})
