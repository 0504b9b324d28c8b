// What the watched directory last said, kept over restarts: only what differs from it is a new word of the directory.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { transaction } from './database.ts'
import { keyOf, type ObjectKey } from './stored-object.ts'

export interface RememberedObject extends ObjectKey {
  readonly text: string
}

export class DirectoryMemory {
  readonly #database: DatabaseSync
  readonly #insert: StatementSync

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#insert = database.prepare('INSERT INTO directory_object VALUES (?, ?, ?, ?)')
  }

  /** By `keyOf`. */
  recall(): ReadonlyMap<string, RememberedObject> {
    const rows = this.#database.prepare('SELECT * FROM directory_object').all()
    const objects = rows.map(row => ({
      kind: String(row['kind']),
      namespace: String(row['namespace']),
      name: String(row['name']),
      text: String(row['text']),
    }))
    return new Map(objects.map(object => [keyOf(object), object]))
  }

  remember(objects: readonly RememberedObject[]): void {
    transaction(this.#database, () => {
      this.#database.exec('DELETE FROM directory_object')
      for (const object of objects) this.#insert.run(object.kind, object.namespace, object.name, object.text)
    })
  }
}
