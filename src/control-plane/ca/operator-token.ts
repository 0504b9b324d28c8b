// The secret by which the owner of the state directory proves itself to the API.
import { createHash, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeFileAtomic } from '../../base/atomic-file.ts'
import type { Random } from '../../base/random.ts'

/** Reads the token's file, or makes it at the first start, readable by its owner only. */
export function openOperatorToken(file: string, random: Random): string {
  if (existsSync(file)) {
    const token = readFileSync(file, 'utf8').trim()
    if (token.length >= 32) return token
  }
  const token = `weft-operator-${random.bytes(32).toString('base64url')}`
  writeFileAtomic(file, `${token}\n`, 0o600)
  return token
}

/** Takes as long whatever is wrong with the header. */
export function bearsToken(authorization: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`))
}
