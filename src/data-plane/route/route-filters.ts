// What a route says to the filters of the chain: typed_per_filter_config of all its levels, merged when the table is
// compiled, so that a filter finds its own with one look-up.
import { fromBinary } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../base/problem.ts'
import { typeUrlOf } from '../../xds/any-pack.ts'
import { type FilterConfig, FilterConfigSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { combineCorsPolicies } from './compile-cors-policy.ts'
import type { CorsPolicy } from './cors-policy.ts'
import type { FilterOverride, RouteFilters } from './route-entry.ts'

/** How a filter reads what a route says to it. */
export interface RouteConfigFactory {
  compileRouteConfig(typedConfig: Any): Parsed<object>
  /** For filters that look at more than the most specific level; least specific first. */
  combineRouteConfigs?(levels: readonly object[]): object
}

/** Undefined: no filter reads such a message. */
export type RouteConfigFactories = (typeUrl: string) => RouteConfigFactory | undefined

export const NO_ROUTE_CONFIGS: RouteConfigFactories = () => undefined

interface LevelEntry {
  /** Null: the filter is only switched on, or off. */
  readonly config: object | null
  readonly disabled: boolean
  readonly factory: RouteConfigFactory | null
}

/** By the name of the filter in the connection manager's list. */
export type FilterLevel = ReadonlyMap<string, LevelEntry>

/** What a scope of routes has gathered, least specific first. */
export interface FilterScope extends Omit<RouteFilters, 'overrides' | 'cors'> {
  readonly filterLevels: readonly FilterLevel[]
  readonly corsLevels: readonly CorsPolicy[]
}

const WRAPPER = typeUrlOf(FilterConfigSchema)

/** One level's map: of a route configuration, a virtual host, a route or a weighted cluster. */
export function compileFilterLevel(
  configs: Readonly<Record<string, Any>>,
  path: string,
  factories: RouteConfigFactories,
  check: ResourceCheck,
): FilterLevel {
  const level = new Map<string, LevelEntry>()
  for (const [name, any] of Object.entries(configs)) {
    const entry = compileEntry(name, any, `${path}typed_per_filter_config[${JSON.stringify(name)}]`, factories, check)
    if (entry !== null) level.set(name, entry)
  }
  return level
}

function compileEntry(
  name: string,
  any: Any,
  path: string,
  factories: RouteConfigFactories,
  check: ResourceCheck,
): LevelEntry | null {
  if (any.typeUrl !== WRAPPER) return compileConfig(name, any, path, false, factories, check)
  let wrapper: FilterConfig
  try {
    wrapper = fromBinary(FilterConfigSchema, any.value)
  } catch {
    check.error(path, 'cannot be decoded', 'WEFT-4102')
    return null
  }
  if (wrapper.disabled) return { config: null, disabled: true, factory: null }
  if (wrapper.config === undefined) {
    check.error(`${path}.config`, 'is required where the filter is not disabled')
    return null
  }
  // An empty Any switches a filter on that the connection manager's list has disabled.
  if (wrapper.config.typeUrl === '') return { config: null, disabled: false, factory: null }
  return compileConfig(name, wrapper.config, `${path}.config`, wrapper.isOptional, factories, check)
}

function compileConfig(
  name: string,
  any: Any,
  path: string,
  isOptional: boolean,
  factories: RouteConfigFactories,
  check: ResourceCheck,
): LevelEntry | null {
  const factory = factories(any.typeUrl)
  if (factory === undefined) {
    if (!isOptional) check.unsupported(path, `no HTTP filter (here ${name}) takes ${any.typeUrl} from a route`)
    return null
  }
  const parsed = factory.compileRouteConfig(any)
  if (parsed.ok) return { config: parsed.value, disabled: false, factory }
  check.adopt(path, parsed.problems)
  return null
}

/** All that the scope says to filters; the most specific level that names one decides whether it runs (Envoy). */
export function mergeFilterLevels(scope: FilterScope): RouteFilters {
  const { filterLevels, corsLevels, rateLimits, virtualHostRateLimits, includesVirtualHostRateLimits } = scope
  const names = new Set(filterLevels.flatMap(level => [...level.keys()]))
  const overrides = new Map<string, FilterOverride>()
  for (const name of names) overrides.set(name, mergeEntries(filterLevels.flatMap(level => level.get(name) ?? [])))
  return {
    overrides,
    cors: corsLevels.length === 0 ? null : combineCorsPolicies(corsLevels),
    rateLimits,
    virtualHostRateLimits,
    includesVirtualHostRateLimits,
  }
}

function mergeEntries(entries: readonly LevelEntry[]): FilterOverride {
  const { disabled } = entries[entries.length - 1]!
  const factory = entries.findLast(entry => entry.factory !== null)?.factory
  if (factory === undefined || factory === null) return { disabled, config: null }
  const configs = entries.flatMap(entry => (entry.factory === factory && entry.config !== null ? [entry.config] : []))
  return { disabled, config: factory.combineRouteConfigs?.(configs) ?? configs[configs.length - 1]! }
}
