// The connection manager's list of HTTP filters, each compiled by its own factory.
import type { Parsed, Problem } from '../../../../base/problem.ts'
import type { HttpFilter } from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
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

/** The last filter must be one that ends the chain, and no other may (as Envoy demands). */
export function compileFilterChain(
  entries: readonly HttpFilter[],
  path: string,
  host: NetworkFilterHost,
  connectionManagerStats: StatsScope,
): Parsed<FilterChain> {
  const problems: Problem[] = []
  const refuse = (code: 'WEFT-4001' | 'WEFT-4002', at: string, message: string): void => {
    problems.push({ code, severity: 'error', path: at, message })
  }
  const filterHost: HttpFilterHost = { proxy: host, connectionManagerStats }
  const filters: CompiledHttpFilter[] = []
  let terminal: CompiledTerminalFilter | null = null
  for (const [index, entry] of entries.entries()) {
    const at = `${path}[${index}]`
    const typedConfig = entry.configType.case === 'typedConfig' ? entry.configType.value : undefined
    const factory = BY_TYPE_URL.get(typedConfig?.typeUrl ?? '')
    if (factory === undefined || typedConfig === undefined) {
      // `is_optional` says that a proxy without the filter may go without it.
      if (!entry.isOptional)
        refuse(
          'WEFT-4001',
          at,
          `no such HTTP filter here: ${entry.name} (${typedConfig?.typeUrl || 'no typed_config'})`,
        )
      continue
    }
    if (entry.disabled) {
      refuse('WEFT-4001', `${at}.disabled`, 'not supported yet')
      continue
    }
    const isLast = index === entries.length - 1
    if (factory.terminal !== isLast) {
      refuse(
        'WEFT-4002',
        at,
        isLast
          ? `${entry.name} cannot be the last filter: the router is missing`
          : `${entry.name} must be the last filter`,
      )
      continue
    }
    const parsed = factory.compile(typedConfig, `${at}.typed_config`, filterHost)
    if (!parsed.ok) problems.push(...parsed.problems)
    else if (parsed.value !== null && 'createTerminalFilter' in parsed.value) terminal = parsed.value
    else if (parsed.value !== null) filters.push(parsed.value)
  }
  if (entries.length === 0) refuse('WEFT-4002', path, 'empty: the router is missing')
  if (problems.length > 0 || terminal === null) return { ok: false, problems }
  return { ok: true, value: new FilterChain(filters, terminal) }
}
