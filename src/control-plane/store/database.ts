// The SQLite file of the control plane: opened so that a kill -9 at any moment loses nothing that was answered.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** One entry per version of the schema; a database of an older version is brought up entry by entry. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE revision (
     number INTEGER PRIMARY KEY, at INTEGER NOT NULL, source TEXT NOT NULL, message TEXT NOT NULL
   ) STRICT;
   CREATE TABLE change (
     revision INTEGER NOT NULL REFERENCES revision (number), ordinal INTEGER NOT NULL, action TEXT NOT NULL,
     kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, before TEXT, after TEXT,
     PRIMARY KEY (revision, ordinal)
   ) STRICT;
   CREATE TABLE object (
     kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
     PRIMARY KEY (kind, namespace, name)
   ) STRICT;
   CREATE TABLE directory_object (
     kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
     PRIMARY KEY (kind, namespace, name)
   ) STRICT;
   CREATE TABLE service (
     namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (namespace, name)
   ) STRICT;
   CREATE TABLE instance (
     namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, healthy INTEGER NOT NULL,
     PRIMARY KEY (namespace, name)
   ) STRICT;
   CREATE TABLE join_token (
     hash TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, service_account TEXT NOT NULL,
     expires_at INTEGER NOT NULL, key_hash TEXT
   ) STRICT;
   CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`,
  `CREATE TABLE rollout (
     namespace TEXT NOT NULL, name TEXT NOT NULL, run TEXT NOT NULL, final INTEGER NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (namespace, name, run)
   ) STRICT;`,
]

/**
 * Opens or creates the database. Write-ahead log with full synchronisation: a transaction that was answered is on disk,
 * one that was not leaves no trace (https://www.sqlite.org/pragma.html#pragma_synchronous).
 * Throws when the file is damaged or was written by a later version.
 */
export function openDatabase(file: string): DatabaseSync {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(file, { timeout: 5000 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    migrate(database, file)
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

/** Runs `work` wholly or not at all. Not to be nested. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

function migrate(database: DatabaseSync, file: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > MIGRATIONS.length)
    throw new Error(`${file} has schema ${version}, written by a later Weft; this one reads up to ${MIGRATIONS.length}`)
  for (const [index, statements] of MIGRATIONS.entries()) {
    if (index < version) continue
    transaction(database, () => database.exec(`${statements}\nPRAGMA user_version = ${index + 1}`))
  }
}
