// For tests of HTTP filters: a chain and routes as JSON, as Envoy takes them too, with a client before and a server after.
import { fromJson, type JsonObject } from '@bufbuild/protobuf'
import { type Clock, FakeClock } from '../../../base/clock.ts'
import { type Random, SeededRandom } from '../../../base/random.ts'
import { RouteConfigurationSchema } from '../../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { HttpConnectionManagerSchema } from '../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { MESSAGE_REGISTRY } from '../../../xds/message-registry.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ConnectionInfo } from '../../connection-info.ts'
import { routeConfigFactories } from '../../filters/http/route-configs.ts'
import { HTTP_CONNECTION_MANAGER } from '../../filters/network/http-connection-manager/factory.ts'
import { LOOP_LIMITS } from '../../process-limits/loop-limits.ts'
import { formatResponseFlags } from '../../response-flag.ts'
import { compileRouteTable } from '../../route/compile-route-table.ts'
import type { ServerHealth } from '../../server-health.ts'
import type { StreamInfo } from '../../stream-info.ts'
import type { MetadataValue } from '../../stream-metadata.ts'
import { FakeCluster, type FakeProxy, FakeStats, startFakeProxy } from './fake-proxy.ts'
import { exchange, type RawResponse } from './raw-client.ts'
import { ok, type RawUpstream, rawUpstream, type UpstreamRequest } from './raw-upstream.ts'

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http'
const ROUTER: JsonObject = { name: 'router', typedConfig: { '@type': `${TYPES}.router.v3.Router` } }
const TO_CLUSTER: JsonObject = { match: { prefix: '/' }, route: { cluster: 'c' } }

export interface StageOptions {
  /** Before the router, first to last. */
  readonly filters: readonly JsonObject[]
  readonly routes?: readonly JsonObject[]
  /** Beside name, domains and routes. */
  readonly virtualHost?: JsonObject
  /** Of the connection manager, besides its filters. */
  readonly manager?: JsonObject
  /** Beside name and virtual hosts. */
  readonly routeConfiguration?: JsonObject
  readonly answer?: (request: UpstreamRequest) => string | undefined
  readonly clock?: Clock
  readonly random?: Random
  readonly info?: Partial<ConnectionInfo>
  readonly health?: ServerHealth
  /** The listener's per_connection_buffer_limit_bytes. */
  readonly bufferLimit?: number
  /** Of the filter chain. */
  readonly chainMetadata?: Readonly<Record<string, JsonObject>>
  /** Besides `c`. */
  readonly clusters?: readonly Cluster[]
  /** What a filter before all others would say of each stream: namespaces, their keys, their values. */
  readonly metadata?: Readonly<Record<string, Readonly<Record<string, MetadataValue>>>>
}

export interface FilterStage {
  readonly proxy: FakeProxy
  readonly upstream: RawUpstream
  readonly cluster: FakeCluster
  readonly clock: FakeClock
  /** `fields`: header lines, each with its line end. */
  get(path: string, fields?: string): Promise<RawResponse>
  send(text: string): Promise<RawResponse>
  /** Of the last stream: `status flags details`. */
  readonly lastLog: string
}

/** `envoy.filters.http.<name>`, with its config. */
export function filter(type: string, config: JsonObject = {}, rest: JsonObject = {}): JsonObject {
  const [name] = type.split('.')
  return { name: `envoy.filters.http.${name}`, typedConfig: { '@type': `${TYPES}.${type}`, ...config }, ...rest }
}

/** For typed_per_filter_config. */
export function routeConfig(type: string, config: JsonObject = {}): JsonObject {
  return { '@type': `${TYPES}.${type}`, ...config }
}

export async function withFilters(options: StageOptions, use: (stage: FilterStage) => Promise<void>): Promise<void> {
  const clock = options.clock ?? new FakeClock()
  const random = options.random ?? new SeededRandom(1)
  const stats = new FakeStats()
  const table = compileRouteTable(
    fromJson(
      RouteConfigurationSchema,
      {
        name: 'routes',
        virtualHosts: [
          { name: 'all', domains: ['*'], routes: [...(options.routes ?? [TO_CLUSTER])], ...options.virtualHost },
        ],
        ...options.routeConfiguration,
      },
      { registry: MESSAGE_REGISTRY },
    ),
    routeConfigFactories({ clock, random, stats, limits: LOOP_LIMITS }),
    stats,
  )
  if (!table.ok) throw new Error(JSON.stringify(table.problems))
  const config = fromJson(
    HttpConnectionManagerSchema,
    { httpFilters: [...options.filters, ROUTER], ...options.manager },
    { registry: MESSAGE_REGISTRY },
  )
  const upstream = await rawUpstream(options.answer ?? (() => ok()))
  const cluster = new FakeCluster('c', upstream.port)
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [cluster, ...(options.clusters ?? [])],
    config: {
      httpFilters: config.httpFilters,
      ...(config.httpProtocolOptions && { httpProtocolOptions: config.httpProtocolOptions }),
    },
    route: query => {
      for (const [namespace, said] of Object.entries(options.metadata ?? {}))
        for (const [key, value] of Object.entries(said)) (query.info as StreamInfo).addMetadata(namespace, key, value)
      return table.value.match(query)
    },
    clock,
    random,
    stats,
    ...(options.info && { info: options.info }),
    ...(options.health && { health: options.health }),
    ...(options.bufferLimit !== undefined && { bufferLimit: options.bufferLimit }),
    ...(options.chainMetadata && { chainMetadata: options.chainMetadata }),
  })
  const send = (text: string): Promise<RawResponse> => exchange(proxy.port, text)
  const stage: FilterStage = {
    proxy,
    upstream,
    cluster,
    clock: clock as FakeClock,
    send,
    get: (path, fields = '') => send(`GET ${path} HTTP/1.1\r\nhost: a.b\r\n${fields}\r\n`),
    get lastLog() {
      const log = proxy.logs.at(-1)
      return log === undefined
        ? ''
        : `${log.responseCode} ${formatResponseFlags(log.responseFlags)} ${log.responseCodeDetails}`
    },
  }
  try {
    await use(stage)
  } finally {
    await proxy.close()
    await upstream.close()
  }
}
