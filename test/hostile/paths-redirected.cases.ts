import { HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes } from '../../src/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { HostileClass } from './hostile-case.ts'
import { redirectedPath } from './path-case.ts'

export const hostileClass: HostileClass = {
  title: 'Paths that are sent back in another spelling',
  why: 'UNESCAPE_AND_REDIRECT: the client is told the path to ask for. It stays with this host: a Location of two slashes would name another (RFC 3986 4.2), as Envoy’s does.',
  protocol: 'http1',
  counts: 'downstream_rq_redirected_with_normalized_path',
  logs: '- path_normalization_failed',
  config: { normalizePath: true, pathWithEscapedSlashesAction: EscapedSlashes.UNESCAPE_AND_REDIRECT },
  cases: [
    redirectedPath('/a%2Fb', '/a/b'),
    redirectedPath('/%2Fevil.com/', '/.//evil.com/'),
    redirectedPath('/%5cevil.com', '/.//evil.com'),
    redirectedPath('/..%2f/evil.com', '/.//evil.com'),
  ],
}
