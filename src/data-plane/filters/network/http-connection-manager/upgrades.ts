// upgrade_configs: which upgrades, and CONNECT, a listener lets through.

import { type RequestHead, tunnelType } from '../../../../transport/request-head.ts'
import {
  type HttpConnectionManager_UpgradeConfig as UpgradeConfig,
  HttpConnectionManager_UpgradeConfigSchema as UpgradeConfigSchema,
} from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { ResourceCheck } from '../../../../xds/resource-check.ts'

const FIELDS = new Set(['upgrade_type', 'enabled'])

/** What config does not name is refused, as in Envoy. */
export function compileUpgrades(
  configs: readonly UpgradeConfig[],
  path: string,
  check: ResourceCheck,
): (head: RequestHead) => boolean {
  const types = new Map<string, boolean>()
  for (const [index, config] of configs.entries()) {
    check.honour(UpgradeConfigSchema, config, `${path}[${index}]`, FIELDS)
    if (config.upgradeType === '') check.error(`${path}[${index}].upgrade_type`, 'is required')
    const type = config.upgradeType.toLowerCase()
    if (types.has(type)) check.error(`${path}[${index}].upgrade_type`, `${config.upgradeType} is configured twice`)
    types.set(type, config.enabled ?? true)
  }
  return head => types.get(tunnelType(head)) === true
}
