import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import type { Problem } from '../../base/problem.ts'
import type { ConfigObject } from '../../model/config-object.ts'
import { ConfigEditor } from './config-editor.ts'
import { ConfigStore } from './config-store.ts'
import { openDatabase } from './database.ts'
import { DirectoryMemory } from './directory-memory.ts'

const service = (name: string, port: number): string =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  ports:\n  - port: ${port}\n`

function setUp(check: (objects: readonly ConfigObject[]) => readonly Problem[] = () => []) {
  const database = openDatabase(':memory:')
  const clock = new FakeClock()
  const store = new ConfigStore(database, clock)
  const editor = new ConfigEditor(store, check, silentLog)
  const apply = (text: string, dryRun = false) =>
    editor.apply({ documents: [{ file: 'a.yaml', text }], namespace: 'default', dryRun })
  return { database, clock, store, editor, apply, memory: new DirectoryMemory(database) }
}

const actions = (outcome: { changes: readonly { action: string; name: string }[] }): string[] =>
  outcome.changes.map(change => `${change.action} ${change.name}`)

test('an apply makes one revision of all its changes, and none where nothing changes', () => {
  const { apply, store } = setUp()
  assert.deepEqual(actions(apply(`${service('a', 80)}---\n${service('b', 80)}`)), ['created a', 'created b'])
  assert.equal(store.revision, 1)
  assert.deepEqual(actions(apply(service('a', 80))), ['unchanged a'])
  assert.equal(store.revision, 1)
  assert.deepEqual(actions(apply(service('a', 81))), ['configured a'])
  const revision = store.revisionAt(2)
  assert.match(revision?.changes[0]?.before?.text ?? '', /port: 80/)
  assert.match(revision?.changes[0]?.after?.text ?? '', /port: 81/)
  assert.equal(store.object({ kind: 'Service', namespace: 'default', name: 'a' })?.createdAt, 1)
})

test('one bad document refuses the whole set', () => {
  const { apply, store } = setUp()
  const outcome = apply(`${service('a', 80)}---\n${service('b', 80)}  typo: 1\n`)
  assert.equal(outcome.accepted, false)
  assert.ok(outcome.problems.length > 0)
  assert.equal(store.revision, 0)
  assert.equal(store.objects().length, 0)
})

test('a dry run looks at everything and changes nothing', () => {
  const { apply, store } = setUp()
  assert.deepEqual(actions(apply(service('a', 80), true)), ['created a'])
  assert.equal(store.revision, 0)
})

test('an error of the set that was there before does not stop another change; a new one does', () => {
  const problem = (name: string): Problem => ({ code: 'WEFT-1001', severity: 'error', message: `${name} is bad` })
  const { apply } = setUp(objects => objects.filter(one => one.name.startsWith('bad')).map(one => problem(one.name)))
  assert.equal(apply(service('bad-a', 80)).accepted, false)
  const broken = new Set<string>()
  const later = setUp(objects => objects.filter(one => broken.has(one.name)).map(one => problem(one.name)))
  later.apply(service('a', 80))
  broken.add('a')
  assert.equal(later.apply(service('b', 80)).accepted, true)
})

test('a rollback restores the state of a revision as a new revision, ages included', () => {
  const { apply, editor, store } = setUp()
  apply(service('a', 80))
  apply(service('b', 80))
  apply(service('a', 99))
  editor.delete([{ kind: 'Service', namespace: 'default', name: 'b' }])
  const outcome = editor.rollback(2)
  assert.deepEqual(outcome && actions(outcome).sort(), ['configured a', 'created b'])
  assert.equal(store.revision, 5)
  const b = store.object({ kind: 'Service', namespace: 'default', name: 'b' })
  assert.equal(b?.createdAt, 2)
  assert.equal(b?.source, 'rollback')
  assert.deepEqual(editor.objects.map(one => one.name).sort(), ['a', 'b'])
  assert.equal(editor.rollback(2)?.changes.length, 0)
  assert.equal(store.revision, 5)
  assert.equal(editor.rollback(77), null)
  assert.deepEqual(
    editor.rollback(0)?.changes.map(change => change.action),
    ['deleted', 'deleted'],
  )
})

test('what does not exist cannot be deleted, and then nothing is', () => {
  const { apply, editor } = setUp()
  apply(service('a', 80))
  const outcome = editor.delete(['a', 'zzz'].map(name => ({ kind: 'Service', namespace: 'default', name })))
  assert.equal(outcome.accepted, false)
  assert.equal(outcome.problems[0]?.code, 'WEFT-2002')
  assert.equal(editor.objects.length, 1)
})

test('between directory and apply the last writer wins, and the directory deletes only what it wrote last', () => {
  const { apply, editor, store, memory } = setUp()
  const save = (files: Record<string, string>) =>
    editor.takeDirectory(
      Object.entries(files).map(([file, text]) => ({ file, text })),
      memory,
    )
  const source = (name: string) => store.object({ kind: 'Service', namespace: 'default', name })?.source
  save({ 'a.yaml': service('a', 80), 'b.yaml': service('b', 80) })
  apply(service('a', 90))
  assert.equal(source('a'), 'apply')
  // Another file is saved: the directory has said nothing new about a.
  save({ 'a.yaml': service('a', 80), 'b.yaml': service('b', 81) })
  assert.equal(source('a'), 'apply')
  save({ 'a.yaml': service('a', 70), 'b.yaml': service('b', 81) })
  assert.equal(source('a'), 'directory')
  apply(service('a', 60))
  save({})
  assert.equal(source('a'), 'apply')
  assert.equal(source('b'), undefined)
})

test('a later process finds everything, with its lines', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-store-'))
  try {
    const file = join(directory, 'weft.sqlite')
    const first = openDatabase(file)
    const editor = new ConfigEditor(new ConfigStore(first, new FakeClock()), () => [], silentLog)
    const text = `# a comment\n${service('a', 80)}---\n${service('b', 80)}`
    editor.apply({ documents: [{ file: 'x.yaml', text }], namespace: 'shop', dryRun: false })
    const lines = editor.objects.map(one => `${one.namespace}/${one.name}:${one.position.line}`)
    // Not closed: as after a kill -9.
    const second = openDatabase(file)
    const revived = new ConfigEditor(new ConfigStore(second, new FakeClock()), () => [], silentLog)
    assert.deepEqual(
      revived.objects.map(one => `${one.namespace}/${one.name}:${one.position.line}`),
      lines,
    )
    assert.equal(revived.revision, 1)
    assert.equal(revived.objects[0]?.createdAt, 1)
    first.close()
    second.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
})
