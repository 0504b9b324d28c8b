import { HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes } from '../../src/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { HostileClass } from './hostile-case.ts'
import { redirectedPath } from './path-case.ts'

export const hostileClass: HostileClass = {
  title: 'Paths that are sent back, and not normalised',
  why: 'UNESCAPE_AND_REDIRECT alone: browsers take a backslash for a slash (WHATWG URL).',
  protocol: 'http1',
  counts: 'downstream_rq_redirected_with_normalized_path',
  logs: '- path_normalization_failed',
  config: { pathWithEscapedSlashesAction: EscapedSlashes.UNESCAPE_AND_REDIRECT },
  cases: [redirectedPath('/%5cevil.com', '/./\\evil.com'), redirectedPath('/%2F%5Cevil.com', '/.//\\evil.com')],
}
