// One-time tokens by which a workload joins the mesh: stored hashed, good for ten minutes and for one key.
import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'

export interface TokenGrant {
  readonly namespace: string
  readonly name: string
  readonly serviceAccount: string
}

const LIFE_MS = 600_000
const MAX_TOKEN_LENGTH = 200

export class JoinTokens {
  readonly #database: DatabaseSync
  readonly #clock: Clock
  readonly #random: Random

  constructor(database: DatabaseSync, clock: Clock, random: Random) {
    this.#database = database
    this.#clock = clock
    this.#random = random
  }

  /** `expiresAt`: milliseconds since the epoch. */
  mint(grant: TokenGrant): { readonly token: string; readonly expiresAt: number } {
    const now = this.#clock.wallNow()
    this.#database.prepare('DELETE FROM join_token WHERE expires_at <= ?').run(now)
    const token = `weft-join-${this.#random.bytes(32).toString('base64url')}`
    const expiresAt = now + LIFE_MS
    this.#database
      .prepare('INSERT INTO join_token VALUES (?, ?, ?, ?, ?, NULL)')
      .run(hashOf(token), grant.namespace, grant.name, grant.serviceAccount, expiresAt)
    return { token, expiresAt }
  }

  /** Whom the token admits, without using it up; null when it is unknown or too old. */
  look(token: string): TokenGrant | null {
    if (token.length > MAX_TOKEN_LENGTH) return null
    const row = this.#database
      .prepare('SELECT * FROM join_token WHERE hash = ? AND expires_at > ?')
      .get(hashOf(token), this.#clock.wallNow())
    if (row === undefined) return null
    return {
      namespace: String(row['namespace']),
      name: String(row['name']),
      serviceAccount: String(row['service_account']),
    }
  }

  /**
   * Uses the token up for one key. The same key again is admitted while the token lives, because the answer to the
   * first request may have been lost on its way; to anyone without that key it is worth nothing.
   */
  redeem(token: string, keyHash: string): boolean {
    const done = this.#database
      .prepare(
        'UPDATE join_token SET key_hash = ? WHERE hash = ? AND expires_at > ? AND (key_hash IS NULL OR key_hash = ?)',
      )
      .run(keyHash, hashOf(token), this.#clock.wallNow(), keyHash)
    return Number(done.changes) === 1
  }
}

/** The token has 256 random bits: a plain hash is enough, and looking it up leaks nothing of it. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
