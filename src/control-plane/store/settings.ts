// Small facts that outlive the process: the ports chosen at first start.
import type { DatabaseSync } from 'node:sqlite'

export class Settings {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  read(name: string): string | undefined {
    const row = this.#database.prepare('SELECT value FROM setting WHERE name = ?').get(name)
    return row === undefined ? undefined : String(row['value'])
  }

  write(name: string, value: string): void {
    this.#database.prepare('INSERT OR REPLACE INTO setting VALUES (?, ?)').run(name, value)
  }
}
