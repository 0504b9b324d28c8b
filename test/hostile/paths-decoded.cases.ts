// The strictest of Istio's pathNormalization: DECODE_AND_MERGE_SLASHES.
import type { HostileClass } from './hostile-case.ts'

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`

export const hostileClass: HostileClass = {
  title: 'Paths, normalised as DECODE_AND_MERGE_SLASHES',
  why: 'For applications that take an escaped slash for a slash.',
  protocol: 'http1',
  // UNESCAPE_AND_FORWARD.
  config: { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: 4 },
  cases: [
    { name: '/a%2F..%2Fadmin', send: get('/a%2F..%2Fadmin'), gets: '200, kept', upstreamSees: 'GET /admin' },
    { name: '/a%5C..%5cadmin', send: get('/a%5C..%5cadmin'), gets: '200, kept', upstreamSees: 'GET /admin' },
    { name: '//a///b', send: get('//a///b'), gets: '200, kept', upstreamSees: 'GET /a/b' },
  ],
}
