// A request's path before its route is looked up: normalized as config says, or refused.
import type { RequestHead } from '../../transport/request-head.ts'
import type { StreamInfo } from '../stream-info.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import type { LocalReply } from './local-reply.ts'
import { mayNeedNormalization, normalizePath } from './path-normalization.ts'
import { pathRedirect, REFUSAL } from './request-refusal.ts'

/** Null: the request goes on, with the path that it has now. */
export function preparePath(
  request: RequestHead,
  info: StreamInfo,
  { path: rules, stats }: ConnectionManagerConfig,
): LocalReply | null {
  const { path } = request
  if (path === '*') return REFUSAL.asterisk
  if (!mayNeedNormalization(path)) return null
  const normalized = rules === null ? null : normalizePath(path, rules)
  if (normalized === null && !path.includes('#')) return null
  if (normalized === null || normalized.path === null) {
    stats.requestsFailedPathNormalization.value++
    return REFUSAL.path
  }
  request.path = normalized.path
  info.path = normalized.path
  if (!normalized.redirect) return null
  stats.requestsRedirectedWithNormalizedPath.value++
  return pathRedirect(normalized.path)
}
