import { HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes } from '../../src/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { HostileClass } from './hostile-case.ts'
import { pathCase, refusedPath } from './path-case.ts'

export const hostileClass: HostileClass = {
  title: 'Paths, normalised as DECODE_AND_MERGE_SLASHES',
  why: 'For applications that take an escaped slash for a slash: the strictest of Istio’s modes.',
  protocol: 'http1',
  counts: 'none',
  logs: '- via_upstream',
  config: {
    normalizePath: true,
    mergeSlashes: true,
    pathWithEscapedSlashesAction: EscapedSlashes.UNESCAPE_AND_FORWARD,
  },
  cases: [
    pathCase('/a%2F..%2Fadmin', '/admin'),
    pathCase('/a%5C..%5cadmin', '/admin'),
    pathCase('//a///b', '/a/b'),
    pathCase('/a%2f%2Fb', '/a/b'),
    pathCase('/a%252Fb', '/a%252Fb'),
    refusedPath('/a%2Fb%00'),
  ],
}
