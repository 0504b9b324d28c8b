// Whether an upgrade or a CONNECT may pass.
import { type RequestHead, tunnelType } from '../../transport/request-head.ts'
import type { RouteEntry } from '../route/route-entry.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import type { LocalReply } from './local-reply.ts'
import { REFUSAL } from './request-refusal.ts'

/** The route's word stands above the connection manager's. Null: it may. */
export function tunnelRefusal(
  request: RequestHead,
  route: RouteEntry | null,
  config: ConnectionManagerConfig,
): LocalReply | null {
  const upgrade = route?.kind === 'forward' ? route.upgrades.get(tunnelType(request)) : undefined
  if (upgrade === undefined ? config.allowsTunnel(request) : upgrade.enabled) return null
  if (route === null) return REFUSAL.noRoute
  config.stats.requestsWithRefusedUpgrade.value++
  return REFUSAL.upgrade
}
