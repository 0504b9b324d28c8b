// The connection manager's list of HTTP filters, each compiled by its own factory.
import type { HttpFilter } from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { ResourceCheck } from '../../../../xds/resource-check.ts'
import { FilterChain } from '../../../http/filter-chain.ts'
import type { StatsScope } from '../../../stats/stats-scope.ts'
import type {
  CompiledHttpFilter,
  CompiledTerminalFilter,
  HttpFilterHost,
} from '../../http/contract/http-filter-factory.ts'
import { HTTP_FILTERS } from '../../http/registry.ts'
import type { NetworkFilterHost } from '../contract/network-filter.ts'

const BY_TYPE_URL = new Map(HTTP_FILTERS.map(factory => [factory.typeUrl, factory]))

/** Null when anything is wrong. The last filter must be one that ends the chain, and no other may (as Envoy demands). */
export function compileFilterChain(
  entries: readonly HttpFilter[],
  path: string,
  proxy: NetworkFilterHost,
  connectionManagerStats: StatsScope,
  check: ResourceCheck,
): FilterChain | null {
  const filters: CompiledHttpFilter[] = []
  const disabled: boolean[] = []
  let terminal: CompiledTerminalFilter | null = null
  for (const [index, entry] of entries.entries()) {
    const host: HttpFilterHost = { proxy, connectionManagerStats, filterName: entry.name }
    const compiled = compileFilter(entry, `${path}[${index}]`, index === entries.length - 1, host, check)
    if (compiled === null) continue
    if ('createTerminalFilter' in compiled) terminal = compiled
    else {
      filters.push(compiled)
      disabled.push(entry.disabled)
    }
  }
  if (entries.length === 0) check.error(path, 'the router is missing')
  return terminal && new FilterChain(filters, terminal, disabled)
}

function compileFilter(
  entry: HttpFilter,
  path: string,
  isLast: boolean,
  host: HttpFilterHost,
  check: ResourceCheck,
): CompiledHttpFilter | CompiledTerminalFilter | null {
  const typedConfig = entry.configType.case === 'typedConfig' ? entry.configType.value : undefined
  const factory = BY_TYPE_URL.get(typedConfig?.typeUrl ?? '')
  if (factory === undefined || typedConfig === undefined) {
    // `is_optional` says that a proxy without the filter may go without it.
    if (!entry.isOptional) {
      check.unsupported(
        path,
        `HTTP filter ${entry.name} (${typedConfig?.typeUrl || 'no typed_config'}) is not supported`,
      )
    }
    return null
  }
  if (factory.terminal !== isLast) {
    check.error(path, `${entry.name} ${isLast ? 'cannot' : 'must'} be the last filter`)
    return null
  }
  if (entry.disabled && isLast) {
    check.error(`${path}.disabled`, 'the filter that ends the chain cannot be disabled')
    return null
  }
  const parsed = factory.compile(typedConfig, host)
  if (parsed.ok) return parsed.value
  check.adopt(`${path}.typed_config`, parsed.problems)
  return null
}
