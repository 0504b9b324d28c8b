// Paths that say one thing to a policy and another to the application: normalised as Istio's BASE unless asked otherwise.
import type { HostileClass } from './hostile-case.ts'

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`
const seen = (path: string, upstreamSees: string) => ({
  name: path,
  send: get(path),
  gets: '200, kept',
  upstreamSees: `GET ${upstreamSees}`,
})

/** What Istio's pathNormalization BASE asks of a listener. */
export const hostileClass: HostileClass = {
  title: 'Paths, normalised as BASE',
  why: 'RFC 3986 6.2.2: what is the same path is one path to routes and policies, and to whoever comes after. MERGE_SLASHES and DECODE_AND_MERGE_SLASHES add to it what their names say.',
  protocol: 'http1',
  config: { normalizePath: true },
  cases: [
    seen('/public/../admin', '/admin'),
    seen('/public/%2e%2e/admin', '/admin'),
    seen('/./a/.//b', '/a//b'),
    seen('/a\\..\\admin', '/admin'),
    seen('/%61dmin', '/admin'),
    seen('/a%2Fb', '/a%2Fb'),
    seen('/a/../../b', '/b'),
    {
      name: '/a%00b',
      send: get('/a%00b'),
      gets: '400 path_normalization_failed, closed',
      upstreamSees: 'nothing',
    },
  ],
}
