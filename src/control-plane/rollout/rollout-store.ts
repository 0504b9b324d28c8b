// How far rollouts have come, kept over restarts and apart from the config: a rollback of that moves no weight.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isFinal, type RolloutState } from './rollout-policy.ts'

/** One turn of a rollout, for people. */
export interface RolloutEvent {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly phase: RolloutState['phase']
  /** Percent of the requests that the canary gets from then on. */
  readonly weight: number
  readonly reason: string
}

export interface RolloutProgress {
  readonly state: RolloutState
  /** Oldest first. */
  readonly events: readonly RolloutEvent[]
}

export interface RolloutKey {
  readonly namespace: string
  readonly name: string
  /** Tells one turn of a Rollout from those before: another spec, or another object of its name. */
  readonly run: string
}

/** So many runs of one Rollout are remembered. */
const MAX_RUNS = 20
/** And so many Rollouts that are no more: a rollback of the config may bring them back. */
const MAX_GONE = 100

export class RolloutStore {
  readonly #load: StatementSync
  readonly #save: StatementSync
  readonly #forgetOld: StatementSync
  readonly #forgetUnfinished: StatementSync
  readonly #names: StatementSync
  readonly #latest: StatementSync
  readonly #forget: StatementSync

  constructor(database: DatabaseSync) {
    this.#load = database.prepare('SELECT body FROM rollout WHERE namespace = ? AND name = ? AND run = ?')
    this.#save = database.prepare('INSERT OR REPLACE INTO rollout VALUES (?, ?, ?, ?, ?)')
    this.#names = database.prepare('SELECT DISTINCT namespace, name FROM rollout WHERE final = 0')
    this.#latest = database.prepare(
      'SELECT namespace, name FROM rollout GROUP BY namespace, name ORDER BY max(rowid) DESC',
    )
    this.#forget = database.prepare('DELETE FROM rollout WHERE namespace = ? AND name = ?')
    this.#forgetUnfinished = database.prepare(
      'DELETE FROM rollout WHERE namespace = ? AND name = ? AND run <> ? AND final = 0',
    )
    this.#forgetOld = database.prepare(
      `DELETE FROM rollout WHERE namespace = ?1 AND name = ?2 AND rowid NOT IN (
         SELECT rowid FROM rollout WHERE namespace = ?1 AND name = ?2 ORDER BY rowid DESC LIMIT ${MAX_RUNS}
       )`,
    )
  }

  load({ namespace, name, run }: RolloutKey): RolloutProgress | null {
    const row = this.#load.get(namespace, name, run)
    return row === undefined ? null : (JSON.parse(String(row['body'])) as RolloutProgress)
  }

  save({ namespace, name, run }: RolloutKey, progress: RolloutProgress): void {
    this.#save.run(namespace, name, run, Number(isFinal(progress.state)), JSON.stringify(progress))
    this.#forgetOld.run(namespace, name)
  }

  /**
   * Runs other than these that had not ended: what was interrupted begins anew, should it ever come back. What has
   * ended is remembered, so that a rollback of the config to it tries nothing again, of the last that are no more, too.
   */
  keepOnly(current: readonly RolloutKey[]): void {
    const runs = new Map(current.map(({ namespace, name, run }) => [`${namespace}/${name}`, run]))
    for (const row of this.#names.all()) {
      const [namespace, name] = [String(row['namespace']), String(row['name'])]
      this.#forgetUnfinished.run(namespace, name, runs.get(`${namespace}/${name}`) ?? '')
    }
    let gone = 0
    for (const row of this.#latest.all()) {
      const [namespace, name] = [String(row['namespace']), String(row['name'])]
      if (!runs.has(`${namespace}/${name}`) && ++gone > MAX_GONE) this.#forget.run(namespace, name)
    }
  }
}
