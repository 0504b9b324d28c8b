// RouteAction.upgrade_configs: what a route says of upgrades and CONNECT.
import {
  RouteAction_UpgradeConfig_ConnectConfigSchema as ConnectConfigSchema,
  type RouteAction_UpgradeConfig as UpgradeConfig,
  RouteAction_UpgradeConfigSchema as UpgradeConfigSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import type { RouteUpgrade } from './route-entry.ts'

export const NO_UPGRADES: ReadonlyMap<string, RouteUpgrade> = new Map()

const FIELDS = new Set(['upgrade_type', 'enabled', 'connect_config'])

/** Types are compared without regard to case (RFC 9110 7.8). */
export function compileRouteUpgrades(
  configs: readonly UpgradeConfig[],
  path: string,
  check: ResourceCheck,
): ReadonlyMap<string, RouteUpgrade> {
  if (configs.length === 0) return NO_UPGRADES
  const upgrades = new Map<string, RouteUpgrade>()
  for (const [index, config] of configs.entries()) {
    const at = `${path}[${index}]`
    check.honour(UpgradeConfigSchema, config, at, FIELDS)
    const type = config.upgradeType.toLowerCase()
    if (type === '') check.error(`${at}.upgrade_type`, 'is required')
    if (upgrades.has(type)) check.error(`${at}.upgrade_type`, `${config.upgradeType} is configured twice`)
    const { connectConfig } = config
    // PROXY protocol and POST in its place are what else a connect_config may ask for.
    if (connectConfig) check.honour(ConnectConfigSchema, connectConfig, `${at}.connect_config`, new Set())
    if (connectConfig && type !== 'connect') check.error(`${at}.connect_config`, 'goes with upgrade_type CONNECT')
    upgrades.set(type, { enabled: config.enabled ?? true, terminates: connectConfig !== undefined })
  }
  return upgrades
}
