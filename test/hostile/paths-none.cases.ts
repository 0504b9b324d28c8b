import type { HostileClass } from './hostile-case.ts'
import { pathCase, refusedPath } from './path-case.ts'

export const hostileClass: HostileClass = {
  title: 'Paths, normalised as NONE',
  why: 'For applications that want the path as it was sent: routes and policies then have to know every spelling. A fragment is refused all the same (RFC 9110 7.1).',
  protocol: 'http1',
  counts: 'none',
  logs: '- via_upstream',
  config: { normalizePath: false },
  cases: [
    pathCase('/public/../admin', '/public/../admin'),
    pathCase('/public/%2e%2e/admin', '/public/%2e%2e/admin'),
    pathCase('//a///b', '//a///b'),
    pathCase('/a\\..\\admin', '/a\\..\\admin'),
    pathCase('/%61dmin', '/%61dmin'),
    pathCase('/a%2F..%2Fadmin', '/a%2F..%2Fadmin'),
    pathCase('/a%00b', '/a%00b'),
    refusedPath('/a#b'),
  ],
}
