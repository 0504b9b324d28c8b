import type { HostileClass } from './hostile-case.ts'
import { pathCase } from './path-case.ts'

export const hostileClass: HostileClass = {
  title: 'Paths, normalised as MERGE_SLASHES',
  why: 'For applications that take several slashes for one, as most file servers do. Merging comes last: it leaves no dot segment behind.',
  protocol: 'http1',
  counts: 'none',
  logs: '- via_upstream',
  config: { normalizePath: true, mergeSlashes: true },
  cases: [
    pathCase('//a///b', '/a/b'),
    pathCase('/public//../admin', '/public/admin'),
    pathCase('/a\\\\b', '/a/b'),
    pathCase('/a%2F%2Fb', '/a%2F%2Fb'),
    pathCase('/a//b?c=//d', '/a/b?c=//d'),
  ],
}
