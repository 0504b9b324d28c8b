// Every object of the config and every revision that led to it, on SQLite. Knows nothing of what the texts mean.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clock } from '../../base/clock.ts'
import { transaction } from './database.ts'
import {
  type ChangeAction,
  type ConfigSource,
  keyOf,
  type ObjectKey,
  type Revision,
  type RevisionChange,
  type StoredObject,
  type StoredState,
} from './stored-object.ts'

/** An object to be written: its text replaces what is there. */
export interface ObjectWrite extends ObjectKey {
  readonly apiVersion: string
  readonly text: string
  readonly file: string
  readonly line: number
}

export interface WriteSet {
  readonly source: ConfigSource
  /** One line, for the history. */
  readonly message: string
  readonly writes: readonly ObjectWrite[]
  readonly deletions: readonly ObjectKey[]
}

/** What a set of writes would do, or did. `unchanged` ones included; they are not part of a revision. */
export interface Plan {
  readonly changes: readonly RevisionChange[]
  readonly effective: boolean
}

export class ConfigStore {
  readonly #database: DatabaseSync
  readonly #clock: Clock
  readonly #insertRevision: StatementSync
  readonly #insertChange: StatementSync
  readonly #putObject: StatementSync
  readonly #deleteObject: StatementSync
  readonly #objects = new Map<string, StoredObject>()
  #revision: number

  constructor(database: DatabaseSync, clock: Clock) {
    this.#database = database
    this.#clock = clock
    this.#insertRevision = database.prepare('INSERT INTO revision VALUES (?, ?, ?, ?)')
    this.#insertChange = database.prepare('INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    this.#putObject = database.prepare('INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?)')
    this.#deleteObject = database.prepare('DELETE FROM object WHERE kind = ? AND namespace = ? AND name = ?')
    this.#revision = Number(database.prepare('SELECT max(number) AS head FROM revision').get()?.['head'] ?? 0)
    for (const row of database.prepare('SELECT * FROM object').all()) {
      const object = { ...keyFrom(row), ...(JSON.parse(String(row['state'])) as StoredState) }
      this.#objects.set(keyOf(object), object)
    }
  }

  /** The newest revision; 0 before the first. */
  get revision(): number {
    return this.#revision
  }

  /** By kind, namespace, name. */
  objects(): readonly StoredObject[] {
    return [...this.#objects.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  }

  object(key: ObjectKey): StoredObject | undefined {
    return this.#objects.get(keyOf(key))
  }

  /** What `commit` would change. */
  plan(set: WriteSet): Plan {
    const changes: RevisionChange[] = []
    for (const write of set.writes) changes.push(this.#planWrite(set, write))
    for (const key of set.deletions) {
      const before = this.#objects.get(keyOf(key))
      if (before) changes.push({ ...justKey(key), action: 'deleted', before: stateOf(before), after: null })
    }
    return { changes, effective: changes.some(change => change.action !== 'unchanged') }
  }

  /** Makes one revision of a plan, whole or not at all; a plan without effect makes none. Returns the head. */
  commit(set: WriteSet, plan: Plan): number {
    if (!plan.effective) return this.#revision
    this.#record(
      set.source,
      set.message,
      plan.changes.filter(change => change.action !== 'unchanged'),
    )
    return this.#revision
  }

  /** The changes that would restore the state after `number`; null when there is no such revision. */
  planRollback(number: number): Plan | null {
    if (!Number.isSafeInteger(number) || number < 0 || number > this.#revision) return null
    const states = new Map<string, { key: ObjectKey; state: StoredState | null }>()
    const later = this.#database.prepare('SELECT * FROM change WHERE revision > ? ORDER BY revision, ordinal')
    for (const row of later.iterate(number)) {
      const key = keyFrom(row)
      if (!states.has(keyOf(key))) states.set(keyOf(key), { key, state: stateFrom(row['before']) })
    }
    const changes: RevisionChange[] = []
    for (const { key, state } of states.values()) {
      const current = this.#objects.get(keyOf(key))
      const before = current ? stateOf(current) : null
      if (before?.text === state?.text) continue
      const written = { source: 'rollback', revision: this.#revision + 1, updatedAt: this.#clock.wallNow() } as const
      // Its age comes back too: which of two conflicting objects wins depends on it.
      const after = state === null ? null : { ...state, ...written }
      changes.push({ ...key, action: actionOf(before, after), before, after })
    }
    return { changes, effective: changes.length > 0 }
  }

  commitRollback(number: number, plan: Plan): number {
    if (plan.effective) this.#record('rollback', `rollback to revision ${number}`, plan.changes)
    return this.#revision
  }

  /** Newest first. */
  history(limit = 1000): readonly Revision[] {
    const rows = this.#database.prepare('SELECT * FROM revision ORDER BY number DESC LIMIT ?').all(limit)
    return rows.map(row => this.#readRevision(row))
  }

  revisionAt(number: number): Revision | null {
    const row = this.#database.prepare('SELECT * FROM revision WHERE number = ?').get(number)
    return row ? this.#readRevision(row) : null
  }

  #planWrite(set: WriteSet, write: ObjectWrite): RevisionChange {
    const current = this.#objects.get(keyOf(write))
    const before = current ? stateOf(current) : null
    const after: StoredState = {
      apiVersion: write.apiVersion,
      text: write.text,
      source: set.source,
      file: write.file,
      line: write.line,
      revision: this.#revision + 1,
      createdAt: before?.createdAt ?? this.#revision + 1,
      updatedAt: this.#clock.wallNow(),
    }
    return { ...justKey(write), action: actionOf(before, after), before, after }
  }

  #record(source: ConfigSource, message: string, changes: readonly RevisionChange[]): void {
    const number = this.#revision + 1
    transaction(this.#database, () => {
      this.#insertRevision.run(number, this.#clock.wallNow(), source, message)
      for (const [ordinal, change] of changes.entries()) {
        const key = [change.kind, change.namespace, change.name] as const
        const before = change.before && JSON.stringify(change.before)
        const after = change.after && JSON.stringify(change.after)
        this.#insertChange.run(number, ordinal, change.action, ...key, before, after)
        if (after === null) this.#deleteObject.run(...key)
        else this.#putObject.run(...key, after)
      }
    })
    this.#revision = number
    for (const change of changes) {
      if (change.after === null) this.#objects.delete(keyOf(change))
      else this.#objects.set(keyOf(change), { ...justKey(change), ...change.after })
    }
  }

  #readRevision(row: Record<string, unknown>): Revision {
    const number = Number(row['number'])
    const rows = this.#database.prepare('SELECT * FROM change WHERE revision = ? ORDER BY ordinal').all(number)
    const changes = rows.map(change => ({
      ...keyFrom(change),
      action: String(change['action']) as ChangeAction,
      before: stateFrom(change['before']),
      after: stateFrom(change['after']),
    }))
    const source = String(row['source']) as ConfigSource
    return { number, at: Number(row['at']), source, message: String(row['message']), changes }
  }
}

function actionOf(before: StoredState | null, after: StoredState | null): ChangeAction {
  if (after === null) return 'deleted'
  if (before === null) return 'created'
  return before.text === after.text ? 'unchanged' : 'configured'
}

function justKey(key: ObjectKey): ObjectKey {
  return { kind: key.kind, namespace: key.namespace, name: key.name }
}

function keyFrom(row: Record<string, unknown>): ObjectKey {
  return { kind: String(row['kind']), namespace: String(row['namespace']), name: String(row['name']) }
}

function stateOf({ kind: _, namespace: __, name: ___, ...state }: StoredObject): StoredState {
  return state
}

function stateFrom(value: unknown): StoredState | null {
  return value === null ? null : (JSON.parse(String(value)) as StoredState)
}
