// For tests and benchmarks: the connection manager on a real socket, with clusters, routes and logs of the simplest kind.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf'
import type { Clock } from '../../../base/clock.ts'
import { systemClock } from '../../../base/clock.ts'
import { silentLog } from '../../../base/log.ts'
import type { Problem } from '../../../base/problem.ts'
import { type Random, SeededRandom } from '../../../base/random.ts'
import { ENVOY_HTTP2_SETTINGS, type Http2Settings } from '../../../transport/http2/session-options.ts'
import { ENVOY_BUFFER_LIMIT } from '../../../transport/net/buffer-limit.ts'
import { packAny } from '../../../xds/any-pack.ts'
import { RouterSchema } from '../../../xds/generated/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { HttpConnectionManagerSchema } from '../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type {
  AutoIdentity,
  CircuitLimits,
  Cluster,
  ClusterStats,
  Endpoint,
  Http1Options,
  PickContext,
  Resources,
  UpstreamProtocol,
} from '../../cluster/cluster.ts'
import { ClusterEndpoint } from '../../cluster/cluster-endpoint.ts'
import { comparisonStats } from '../../cluster/comparison-stats.ts'
import { ResourceManager } from '../../cluster/resource-manager.ts'
import type { ConnectionInfo } from '../../connection-info.ts'
import type {
  NetworkFilter,
  NetworkFilterFactory,
  NetworkFilterHost,
} from '../../filters/network/contract/network-filter.ts'
import { MirrorDifferences } from '../../mirror-differences.ts'
import { NO_OVERLOAD, type OverloadActions } from '../../overload/overload-manager.ts'
import { LOOP_LIMITS } from '../../process-limits/loop-limits.ts'
import type { ProcessLimits } from '../../process-limits/process-limits.ts'
import {
  type ForwardRoute,
  type HeaderMutations,
  NO_ROUTE_FILTERS,
  type RetryPolicy,
  type RouteEntry,
  type RouteQuery,
  type RouteTable,
} from '../../route/route-entry.ts'
import { NO_UPGRADES } from '../../route/route-upgrades.ts'
import { NO_STREAM_DURATION } from '../../route/stream-duration.ts'
import { ALWAYS_HEALTHY, type ServerHealth } from '../../server-health.ts'
import type { Counter, Gauge, Histogram, LeasedScope, StatsScope } from '../../stats/stats-scope.ts'
import type { StreamInfo } from '../../stream-info.ts'
import { fakeConnection } from '../../testing/fake-connection.ts'
import type { UpstreamTransport } from '../../upstream-transport.ts'

/** Counts by full name. */
export class FakeStats implements LeasedScope {
  readonly values: Map<string, Counter>
  readonly prefix: string

  constructor(prefix = '', values = new Map<string, Counter>()) {
    this.prefix = prefix
    this.values = values
  }

  counter(name: string): Counter {
    const full = this.prefix + name
    let counter = this.values.get(full)
    if (counter === undefined) {
      counter = { value: 0 }
      this.values.set(full, counter)
    }
    return counter
  }

  gauge(name: string): Gauge {
    return this.counter(name)
  }

  computedGauge(name: string, read: () => number): void {
    this.values.set(this.prefix + name, {
      get value() {
        return read()
      },
      set value(_) {},
    })
  }

  computedLoopGauge(name: string, read: () => number): void {
    this.computedGauge(name, read)
  }

  histogram(name: string): Histogram {
    const counter = this.counter(`${name}.count`)
    return { record: () => void counter.value++, counts: new Float64Array(0) }
  }

  scope(prefix: string, labels?: Readonly<Record<string, string>>): StatsScope {
    const label = labels ? `.${Object.values(labels).join('.')}` : ''
    return new FakeStats(`${this.prefix}${prefix}${label}.`, this.values)
  }

  lease(): LeasedScope {
    return this
  }

  return(): void {}

  returnWith(): void {}

  value(name: string): number {
    return this.values.get(name)?.value ?? 0
  }
}

export const plainTransport: UpstreamTransport = {
  name: 'raw_buffer',
  connect(address, port, onReady) {
    const socket = connect({ host: address, port, noDelay: true })
    let done = false
    const finish = (failure: string | null): void => {
      if (done) return
      done = true
      onReady(failure)
    }
    socket.on('connect', () => finish(null))
    socket.on('error', () => finish('delayed_connect_error:_Connection_refused'))
    return socket
  },
}

export const NO_LIMITS: CircuitLimits = {
  maxConnections: 2 ** 32 - 1,
  maxPendingRequests: 2 ** 32 - 1,
  maxRequests: 2 ** 32 - 1,
  maxRetries: 2 ** 32 - 1,
  retryBudget: null,
  tracksRemaining: false,
}

export function fakeEndpoint(port: number, transport: UpstreamTransport = plainTransport): Endpoint {
  return new ClusterEndpoint('127.0.0.1', port, 1, transport)
}

export const PLAIN_HTTP1: Http1Options = {
  trailers: false,
  headerCase: 'lower',
  limits: { maxHeadBytes: 60 * 1024, maxFieldCount: 100, trailers: false, keepsSpelling: false },
}

/** Takes its endpoints in turn. */
export class FakeCluster implements Cluster {
  readonly name: string
  connectTimeoutMs = 5000
  autoIdentity: AutoIdentity | null = null
  bufferLimit = ENVOY_BUFFER_LIMIT
  idleTimeoutMs = 0
  maxRequestsPerConnection = 0
  maxConnectionDurationMs = 0
  httpProtocol: UpstreamProtocol = 'http1'
  http1: Http1Options = PLAIN_HTTP1
  http2: Http2Settings = ENVOY_HTTP2_SETTINGS
  limits: CircuitLimits = NO_LIMITS
  thresholds = { default: NO_LIMITS, high: NO_LIMITS }
  random: Random = new SeededRandom(1)
  live = true
  endpoints: Endpoint[]
  readonly counts: FakeStats = new FakeStats()
  readonly stats: ClusterStats
  readonly resources: Resources
  #next = 0
  readonly #removed: ((endpoint: Endpoint) => void)[] = []

  constructor(name: string, ...ports: number[]) {
    this.name = name
    this.endpoints = ports.map(port => fakeEndpoint(port))
    const stats = new Map<string | symbol, Counter | Histogram>()
    const mirrorComparison = comparisonStats(this.counts)
    // Any counter that is asked for.
    this.stats = new Proxy({} as ClusterStats, {
      get: (_, key) => {
        if (key === 'requestWindow' || key === 'traffic') return null
        if (key === 'mirrorComparison') return mirrorComparison
        let stat = stats.get(key)
        if (stat === undefined) {
          stat = key === 'upstreamRqTime' ? this.counts.histogram(String(key)) : this.counts.counter(String(key))
          stats.set(key, stat)
        }
        return stat
      },
    })
    this.resources = new ResourceManager(LOOP_LIMITS, name, this.stats).default
  }

  readonly picker = {
    pick: (_context: PickContext): Endpoint | null => this.endpoints[this.#next++ % this.endpoints.length] ?? null,
  }

  get highPriority(): Cluster {
    return this
  }

  pickerWithout(): null {
    return null
  }

  onEndpointFailed(): void {}

  onEndpointRemoved(callback: (endpoint: Endpoint) => void): void {
    this.#removed.push(callback)
  }

  remove(endpoint: Endpoint): void {
    this.endpoints = this.endpoints.filter(other => other !== endpoint)
    for (const callback of this.#removed) callback(endpoint)
  }
}

export const NO_MUTATIONS: HeaderMutations = { apply: () => {}, authority: null }

export const RETRY: RetryPolicy = {
  attempts: 2,
  retryOn: 0,
  retriableStatusCodes: [],
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  resetFields: [],
  rateLimitedMaxMs: 300_000,
  retriableHeaders: [],
  retriableRequests: [],
  backoffBaseMs: 1,
  backoffMaxMs: 1,
  avoidPreviousHosts: false,
  priorityUpdateFrequency: 0,
  hostSelectionAttempts: 5,
}

export function forwardRoute(cluster: string, fields: Partial<ForwardRoute> = {}): ForwardRoute {
  const choice = {
    cluster,
    requestHeaders: NO_MUTATIONS,
    responseHeaders: NO_MUTATIONS,
    hostRewrite: null,
    filters: NO_ROUTE_FILTERS,
  }
  return {
    kind: 'forward',
    fallback: null,
    name: 'default',
    virtualHost: 'any',
    requestHeaders: NO_MUTATIONS,
    responseHeaders: NO_MUTATIONS,
    filters: NO_ROUTE_FILTERS,
    chooseCluster: () => choice,
    clusterNotFoundStatus: 503,
    timeoutMs: 0,
    idleTimeoutMs: -1,
    streamDuration: NO_STREAM_DURATION,
    upgrades: NO_UPGRADES,
    retry: null,
    hedgesOnPerTryTimeout: false,
    isHighPriority: false,
    hashPolicy: null,
    mirrors: [],
    virtualClusters: null,
    stats: null,
    rewritePath: () => null,
    hostRewrite: null,
    hostFromPath: () => null,
    asksForEndpoint: false,
    keepsForwardedHost: false,
    attemptCountInRequest: false,
    attemptCountInResponse: false,
    bufferLimit: null,
    internalRedirects: null,
    ...fields,
  }
}

export interface FakeProxyOptions {
  readonly clusters?: readonly Cluster[]
  /** What a request is routed to; without, to the first cluster. */
  readonly route?: RouteEntry | ((query: RouteQuery) => RouteEntry | null)
  readonly config?: MessageInitShape<typeof HttpConnectionManagerSchema>
  readonly clock?: Clock
  readonly random?: Random
  readonly info?: Partial<ConnectionInfo>
  readonly reasonHeader?: boolean
  readonly overload?: OverloadActions
  readonly health?: ServerHealth
  readonly gradualDrainMs?: number
  readonly bufferLimit?: number
  readonly chainMetadata?: Readonly<Record<string, JsonObject>>
  readonly mirrorDifferences?: MirrorDifferences
  readonly stats?: FakeStats
  readonly limits?: ProcessLimits
  readonly onLog?: (info: StreamInfo) => void
  /** The access log asks for what is kept for it alone. */
  readonly recordsStreams?: boolean
}

export interface FakeProxy {
  readonly port: number
  readonly filter: NetworkFilter
  readonly stats: FakeStats
  readonly logs: StreamInfo[]
  readonly sockets: readonly Socket[]
  close(): Promise<void>
}

export function fakeHost(options: FakeProxyOptions, stats: FakeStats, logs: StreamInfo[]): NetworkFilterHost {
  const clusters = new Map((options.clusters ?? []).map(cluster => [cluster.name, cluster]))
  const first = options.clusters?.[0]?.name ?? 'none'
  const route = options.route ?? forwardRoute(first)
  const table: RouteTable = { name: 'routes', match: query => (typeof route === 'function' ? route(query) : route) }
  return {
    clock: options.clock ?? systemClock,
    random: options.random ?? new SeededRandom(1),
    log: silentLog,
    stats,
    limits: options.limits ?? LOOP_LIMITS,
    clusters,
    routeTables: {
      get: name => (name === 'routes' ? table : undefined),
      hold: name => ({ table: name === 'routes' ? table : null }),
    },
    compileRouteTable: () => ({ ok: true, value: table }),
    compileAccessLog: () => ({
      ok: true,
      value: { needsRecord: options.recordsStreams ?? false, log: options.onLog ?? (info => void logs.push(info)) },
    }),
    reasonHeader: options.reasonHeader ?? true,
    mirrorDifferences: options.mirrorDifferences ?? new MirrorDifferences(),
    overload: options.overload ?? NO_OVERLOAD,
    health: options.health ?? ALWAYS_HEALTHY,
    drainHealth: options.health ?? ALWAYS_HEALTHY,
    gradualDrainMs: options.gradualDrainMs ?? 0,
    bufferLimit: options.bufferLimit ?? 1024 * 1024,
    chainMetadata: options.chainMetadata ?? {},
    serviceCluster: 'own',
  }
}

export function connectionManager(
  factory: NetworkFilterFactory,
  config: MessageInitShape<typeof HttpConnectionManagerSchema>,
  host: NetworkFilterHost,
): { readonly filter: NetworkFilter } | { readonly problems: readonly Problem[] } {
  const message = create(HttpConnectionManagerSchema, {
    statPrefix: 'test',
    routeSpecifier: { case: 'rds', value: { routeConfigName: 'routes' } },
    accessLog: [{ name: 'log', configType: { case: 'typedConfig', value: { typeUrl: 'log' } } }],
    httpFilters: [
      {
        name: 'envoy.filters.http.router',
        configType: { case: 'typedConfig', value: packAny(RouterSchema, create(RouterSchema)) },
      },
    ],
    ...config,
  })
  const compiled = factory.compile(packAny(HttpConnectionManagerSchema, message), 'hcm', host)
  return compiled.ok ? { filter: compiled.value } : { problems: compiled.problems }
}

/** Listens on a free port of the loopback. */
export async function startFakeProxy(factory: NetworkFilterFactory, options: FakeProxyOptions): Promise<FakeProxy> {
  const stats = options.stats ?? new FakeStats()
  const logs: StreamInfo[] = []
  const made = connectionManager(factory, options.config ?? {}, fakeHost(options, stats, logs))
  if ('problems' in made) throw new Error(JSON.stringify(made.problems))
  const sockets: Socket[] = []
  let id = 0
  const server = createServer({ noDelay: true }, socket => {
    sockets.push(socket)
    made.filter.onConnection(socket, connectionInfo(++id, socket, options.info), null)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    filter: made.filter,
    stats,
    logs,
    sockets,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

export function connectionInfo(id: number, socket: Socket, fields: Partial<ConnectionInfo> = {}): ConnectionInfo {
  return fakeConnection({
    id,
    localAddress: `127.0.0.1:${socket.localPort}`,
    localPort: socket.localPort ?? 0,
    remoteAddress: `127.0.0.1:${socket.remotePort}`,
    directRemoteAddress: `127.0.0.1:${socket.remotePort}`,
    ...fields,
  })
}
