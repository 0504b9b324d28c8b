// A network filter's access_log field, compiled: loggers, each behind its filter.
import type { AccessLog as AccessLogMessage } from '../../../../xds/generated/envoy/config/accesslog/v3/accesslog_pb.ts'
import type { ResourceCheck } from '../../../../xds/resource-check.ts'
import { compileLogFilter } from '../../../access-log/compile-log-filter.ts'
import { FilteredLog } from '../../../access-log/log-filter.ts'
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
    const filter = entry.filter ? compileLogFilter(entry.filter, `${at}.filter`, host.random, check) : null
    if (entry.configType.case !== 'typedConfig') {
      check.error(`${at}.typed_config`, 'is required')
      continue
    }
    const log = host.compileAccessLog(entry.configType.value)
    if (log.ok) logs.push(filter === null ? log.value : new FilteredLog(filter, log.value))
    else check.adopt(`${at}.typed_config`, log.problems)
  }
  return logs
}
