// Who is signed in, kept in a signed cookie: the browser carries it, and cannot change it.
import { createHmac, timingSafeEqual } from 'node:crypto'

const COOKIE = 'session'
/** What may stand in a header and on a page without a second thought. */
const USER_NAME = /^[A-Za-z0-9._@-]{1,64}$/

/** Null when `name` is no user name: empty, longer than 64, or with other signs than letters, digits and `._@-`. */
export function parseUserName(name: string | null | undefined): string | null {
  const trimmed = (name ?? '').trim()
  return USER_NAME.test(trimmed) ? trimmed : null
}

export function sessionCookie(user: string, secret: string): string {
  const payload = Buffer.from(user, 'utf8').toString('base64url')
  return `${COOKIE}=${payload}.${sign(payload, secret)}; Path=/; HttpOnly; SameSite=Lax`
}

export const NO_SESSION_COOKIE = `${COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`

/** The user that a request's Cookie header vouches for; null without one, or where the signature is not ours. */
export function userOf(cookieHeader: string | undefined, secret: string): string | null {
  for (const pair of (cookieHeader ?? '').split(';')) {
    const [name, value = ''] = pair.trim().split('=', 2)
    if (name !== COOKIE) continue
    const [payload = '', signature = ''] = value.split('.', 2)
    if (isSigned(payload, signature, secret)) return parseUserName(Buffer.from(payload, 'base64url').toString('utf8'))
  }
  return null
}

function sign(payload: string, secret: string): string {
  return createHmac('sha256', secret).update(payload).digest('base64url')
}

function isSigned(payload: string, signature: string, secret: string): boolean {
  const expected = Buffer.from(sign(payload, secret))
  const given = Buffer.from(signature)
  return expected.length === given.length && timingSafeEqual(expected, given)
}
