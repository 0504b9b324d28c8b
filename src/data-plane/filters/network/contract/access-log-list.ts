// A network filter's access_log field, compiled.
import type { AccessLog as AccessLogMessage } from '../../../../xds/generated/envoy/config/accesslog/v3/accesslog_pb.ts'
import type { ResourceCheck } from '../../../../xds/resource-check.ts'
import type { AccessLog } from '../../../stream-info.ts'
import type { NetworkFilterHost } from './network-filter.ts'

export function compileAccessLogs(
  entries: readonly AccessLogMessage[],
  path: string,
  host: NetworkFilterHost,
  check: ResourceCheck,
): readonly AccessLog[] {
  const logs: AccessLog[] = []
  for (const [index, entry] of entries.entries()) {
    const at = `${path}[${index}]`
    if (entry.filter) check.unsupported(`${at}.filter`)
    if (entry.configType.case !== 'typedConfig') {
      check.error(`${at}.typed_config`, 'is required')
      continue
    }
    const log = host.compileAccessLog(entry.configType.value)
    if (log.ok) logs.push(log.value)
    else check.adopt(`${at}.typed_config`, log.problems)
  }
  return logs
}
