// A Listener message, compiled: everything about it that can be decided before a connection comes.
import { isIP } from 'node:net'
import { toBinary } from '@bufbuild/protobuf'
import type { Parsed } from '../../base/problem.ts'
import { bufferLimitOf } from '../../transport/net/buffer-limit.ts'
import type { Keepalive } from '../../transport/net/keepalive-network.ts'
import { DUAL_STACK } from '../../transport/net/network.ts'
import {
  type FilterChain as FilterChainMessage,
  FilterChainSchema,
  type ListenerFilter as ListenerFilterMessage,
} from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import {
  type Listener,
  Listener_DrainType,
  ListenerSchema,
} from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { durationMs, ResourceCheck } from '../../xds/resource-check.ts'
import type { ListenerFilter } from '../filters/listener/contract/listener-filter.ts'
import { LISTENER_FILTERS } from '../filters/listener/registry.ts'
import type { NetworkFilterHost } from '../filters/network/contract/network-filter.ts'
import { internalAddress } from '../internal-listener/internal-network.ts'
import { ALWAYS_HEALTHY } from '../server-health.ts'
import { readSocketAddress } from '../socket-address.ts'
import type { StatsScope } from '../stats/stats-scope.ts'
import { compileDownstreamTransport } from '../transport-socket/downstream-tls.ts'
import type { SecretSource } from '../transport-socket/secret-store.ts'
import { FilterChain } from './filter-chain.ts'
import { compileFilterChainMatch } from './filter-chain-match.ts'
import { findOverlaps } from './filter-chain-overlap.ts'
import { compileNetworkFilters, type NetworkFilterRegistry } from './network-filters.ts'
import { readSocketOptions } from './socket-options.ts'
import { TLS_INSPECTOR } from './tls-inspector-config.ts'

export interface ListenerCompilerHost {
  readonly filterHost: NetworkFilterHost
  readonly networkFilters: NetworkFilterRegistry
  readonly secrets: SecretSource
}

export interface CompiledListener {
  readonly message: Listener
  readonly name: string
  /** An IP address, DUAL_STACK, or an internal listener's own. */
  readonly address: string
  readonly port: number
  /** Reached from this proxy's clusters only. */
  readonly internal: boolean
  /** `127.0.0.1_8080`, or the config's own: names the listener in stats. */
  readonly statPrefix: string
  readonly chains: readonly FilterChain[]
  readonly defaultChain: FilterChain | null
  readonly inspectors: readonly ListenerFilter[]
  /** 0: no limit. */
  readonly inspectTimeoutMs: number
  readonly continueOnInspectTimeout: boolean
  readonly ignoresConnectionLimit: boolean
  /** Bytes that a connection keeps for a peer that does not take them. */
  readonly bufferLimit: number
  /** Null: clients that are silent are not probed. */
  readonly keepalive: Keepalive | null
}

// Taken without effect: enable_reuse_port, connection_balance_config and max_connections_to_accept_per_socket_event (one
// thread accepts), metadata and traffic_direction (they describe).
const LISTENER_FIELDS = new Set([
  'name',
  'address',
  'stat_prefix',
  'filter_chains',
  'default_filter_chain',
  'listener_filters',
  'listener_filters_timeout',
  'continue_on_listener_filters_timeout',
  'per_connection_buffer_limit_bytes',
  'traffic_direction',
  'enable_reuse_port',
  'metadata',
  'drain_type',
  'connection_balance_config',
  'max_connections_to_accept_per_socket_event',
  'ignore_global_conn_limit',
  'bind_to_port',
  'internal_listener',
  'socket_options',
])
const CHAIN_FIELDS = new Set([
  'filter_chain_match',
  'filters',
  'transport_socket',
  'transport_socket_connect_timeout',
  'name',
  'metadata',
])
const DEFAULT_INSPECT_TIMEOUT_MS = 15_000
const DEFAULT_HANDSHAKE_TIMEOUT_MS = 15_000

/** `existing` chains with the same config are taken over instead of compiled anew. */
export function compileListener(
  message: Listener,
  existing: ReadonlyMap<string, FilterChain>,
  host: ListenerCompilerHost,
): Parsed<CompiledListener> {
  const check = new ResourceCheck(`Listener ${message.name}`)
  check.honour(ListenerSchema, message, '', LISTENER_FIELDS)
  if (message.name === '') check.error('name', 'is required')
  if (message.bindToPort === false) check.unsupported('bind_to_port', 'false is not supported: every listener binds')
  if (message.maxConnectionsToAcceptPerSocketEvent === 0)
    check.error('max_connections_to_accept_per_socket_event', 'must be at least 1')
  const internal = message.listenerSpecifier.case === 'internalListener'
  const { address, port } = internal ? compileInternal(message, check) : compileAddress(message, check)
  const bufferLimit = bufferLimitOf(message.perConnectionBufferLimitBytes)
  const drainHealth = message.drainType === Listener_DrainType.MODIFY_ONLY ? ALWAYS_HEALTHY : host.filterHost.health
  const own = { ...host, filterHost: { ...host.filterHost, bufferLimit, drainHealth } }
  const compiler = new ChainCompiler(message.name, existing, own, check)
  const chains = message.filterChains.flatMap((chain, index) => compiler.compile(chain, `filter_chains[${index}]`))
  const fallback = message.defaultFilterChain
  const defaultChain = fallback ? (compiler.compile(fallback, 'default_filter_chain')[0] ?? null) : null
  if (message.filterChains.length === 0 && !fallback) check.error('filter_chains', 'no filter chains specified')
  refuseOverlaps(chains, check)
  return check.result<CompiledListener>({
    message,
    name: message.name,
    address,
    port,
    internal,
    statPrefix: message.statPrefix || (internal ? message.name : statName(address, port)),
    chains,
    defaultChain,
    inspectors: compileInspectors(message.listenerFilters, chains, host.filterHost.stats, check),
    inspectTimeoutMs: durationMs(message.listenerFiltersTimeout, DEFAULT_INSPECT_TIMEOUT_MS),
    continueOnInspectTimeout: message.continueOnListenerFiltersTimeout,
    ignoresConnectionLimit: message.ignoreGlobalConnLimit,
    bufferLimit,
    keepalive: readSocketOptions(message.socketOptions, check),
  })
}

function compileInternal(
  { name, address, socketOptions }: Listener,
  check: ResourceCheck,
): { address: string; port: number } {
  if (address) check.error('address', 'an internal listener has none')
  if (socketOptions.length > 0) check.error('socket_options', 'an internal listener has none')
  return { address: internalAddress(name, ''), port: 0 }
}

function compileAddress({ address: message }: Listener, check: ResourceCheck): { address: string; port: number } {
  const place = readSocketAddress(message, 'address', check)
  if (place === null) return { address: '', port: 0 }
  if (isIP(place.address) === 0) check.error('address.socket_address.address', 'is not an IP address')
  return { address: place.ipv4Compat && place.address === '::' ? DUAL_STACK : place.address, port: place.port }
}

function statName(address: string, port: number): string {
  const shown = address === DUAL_STACK ? '::' : address
  return `${shown.includes(':') ? `[${shown}]` : shown}_${port}`
}

function refuseOverlaps(chains: readonly FilterChain[], check: ResourceCheck): void {
  for (const [index, other] of findOverlaps(chains.map(({ match }) => match))) {
    const what = index === other ? 'names something twice' : `overlaps that of filter_chains[${other}]`
    check.error(`filter_chains[${index}].filter_chain_match`, what)
  }
}

function compileInspectors(
  messages: readonly ListenerFilterMessage[],
  chains: readonly FilterChain[],
  stats: StatsScope,
  check: ResourceCheck,
): readonly ListenerFilter[] {
  const typeUrls = new Set<string>()
  const inspectors = messages.flatMap((message, index) => {
    const path = `listener_filters[${index}]`
    if (message.filterDisabled) check.unsupported(`${path}.filter_disabled`)
    const typedConfig = message.configType.case === 'typedConfig' ? message.configType.value : undefined
    const factory = LISTENER_FILTERS.get(typedConfig?.typeUrl ?? '')
    if (!typedConfig || !factory) {
      check.unsupported(path, `listener filter ${message.name} is not supported`)
      return []
    }
    typeUrls.add(factory.typeUrl)
    const compiled = factory.compile(typedConfig, `${path}.typed_config`, stats)
    if (!compiled.ok) check.adoptWhole(compiled.problems)
    return compiled.ok ? [compiled.value] : []
  })
  // Envoy adds the TLS inspector by itself where chains cannot be told apart without it (ListenerImpl::buildListenerFilterChains).
  const needed = chains.some(
    ({ match }) =>
      match.serverNames.length > 0 || match.applicationProtocols.length > 0 || match.transportProtocol === 'tls',
  )
  if (needed && !typeUrls.has(TLS_INSPECTOR.typeUrl)) {
    const added = LISTENER_FILTERS.get(TLS_INSPECTOR.typeUrl)?.compile(TLS_INSPECTOR, '', stats)
    if (added?.ok) inspectors.push(added.value)
  }
  return inspectors
}

class ChainCompiler {
  readonly #existing: ReadonlyMap<string, FilterChain>
  /** Its filter host is this listener's. */
  readonly #host: ListenerCompilerHost
  readonly #check: ResourceCheck
  /** Its name. */
  readonly #listener: string

  constructor(
    listener: string,
    existing: ReadonlyMap<string, FilterChain>,
    host: ListenerCompilerHost,
    check: ResourceCheck,
  ) {
    this.#listener = listener
    this.#existing = existing
    this.#host = host
    this.#check = check
  }

  compile(message: FilterChainMessage, path: string): FilterChain[] {
    const config = Buffer.from(toBinary(FilterChainSchema, message)).toString('base64')
    const { networkFilters, filterHost } = this.#host
    const { bufferLimit, drainHealth } = filterHost
    const fingerprint = `${bufferLimit} ${drainHealth === ALWAYS_HEALTHY} ${config}`
    const same = this.#existing.get(fingerprint)
    if (same) return [same]
    this.#check.honour(FilterChainSchema, message, path, CHAIN_FIELDS)
    const match = compileFilterChainMatch(message.filterChainMatch, `${path}.filter_chain_match`, this.#check)
    const tls = compileDownstreamTransport(
      message.transportSocket,
      `${path}.transport_socket`,
      this.#host.secrets,
      this.#check,
    )
    const stats = filterHost.stats.lease()
    const host: NetworkFilterHost = {
      ...filterHost,
      stats,
      limits: filterHost.limits.within(() => `${this.#listener} ${fingerprint}`),
      chainMetadata: message.metadata?.filterMetadata ?? {},
    }
    const filters = compileNetworkFilters(message.filters, `${path}.filters`, networkFilters, host, this.#check)
    const handshakeTimeoutMs = durationMs(message.transportSocketConnectTimeout, DEFAULT_HANDSHAKE_TIMEOUT_MS)
    if (filters === null) {
      stats.return()
      return []
    }
    const { before, terminal: filter } = filters
    const chain = new FilterChain({ name: message.name, match, tls, before, filter, handshakeTimeoutMs, fingerprint })
    stats.returnWith(chain)
    return [chain]
  }
}
