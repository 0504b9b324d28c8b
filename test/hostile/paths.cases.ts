import type { HostileClass } from './hostile-case.ts'
import { pathCase, refusedPath } from './path-case.ts'

export const hostileClass: HostileClass = {
  title: 'Paths, normalised as BASE',
  why: 'RFC 3986 6.2.2: what is the same path is one path to routes and policies, and to whoever comes after.',
  protocol: 'http1',
  counts: 'none',
  logs: '- via_upstream',
  config: { normalizePath: true },
  cases: [
    pathCase('/public/../admin', '/admin'),
    pathCase('/public/%2e%2e/admin', '/admin'),
    pathCase('/./a/.//b', '/a//b'),
    pathCase('/a\\..\\admin', '/admin'),
    pathCase('/%61dmin', '/admin'),
    pathCase('/a%2Fb', '/a%2Fb'),
    pathCase('/a/../../b', '/b'),
    refusedPath('/a%00b'),
  ],
}
