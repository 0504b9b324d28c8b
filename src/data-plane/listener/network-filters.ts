// A filter chain's network filters, compiled: any number that decide on a connection, then one that takes it.
import type { Filter } from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import type { ConnectionFilter, ConnectionFilterFactory } from '../filters/network/contract/connection-filter.ts'
import type {
  NetworkFilter,
  NetworkFilterFactory,
  NetworkFilterHost,
} from '../filters/network/contract/network-filter.ts'

/** By type URL. */
export type NetworkFilterRegistry = ReadonlyMap<string, NetworkFilterFactory | ConnectionFilterFactory>

export interface NetworkFilters {
  readonly before: readonly ConnectionFilter[]
  readonly terminal: NetworkFilter
}

/** Null when there is a problem with any. */
export function compileNetworkFilters(
  messages: readonly Filter[],
  path: string,
  registry: NetworkFilterRegistry,
  host: NetworkFilterHost,
  check: ResourceCheck,
): NetworkFilters | null {
  const before: ConnectionFilter[] = []
  let terminal: NetworkFilter | null = null
  if (messages.length === 0) check.error(path, 'must end with a terminal filter')
  for (const [index, message] of messages.entries()) {
    const at = `${path}[${index}]`
    const isLast = index === messages.length - 1
    const typedConfig = message.configType.case === 'typedConfig' ? message.configType.value : undefined
    const factory = registry.get(typedConfig?.typeUrl ?? '')
    if (!typedConfig || !factory) {
      check.unsupported(at, `network filter ${message.name} is not supported`)
      continue
    }
    if (factory.terminal !== isLast) check.error(at, `${message.name} ${isLast ? 'cannot' : 'must'} be the last filter`)
    const compiled = factory.compile(typedConfig, `${at}.typed_config`, host)
    if (!compiled.ok) check.adoptWhole(compiled.problems)
    else if ('onConnection' in compiled.value) terminal = compiled.value
    else before.push(compiled.value)
  }
  return terminal && { before, terminal }
}
