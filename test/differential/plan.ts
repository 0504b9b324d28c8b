// What both proxies are configured with: listeners with their route tables, and the clusters behind them.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'

export interface ListenerPlan {
  readonly name: string
  readonly virtualHosts: readonly JsonObject[]
  /** Fields of the route configuration besides its virtual hosts. */
  readonly routeConfiguration?: JsonObject
  /** Fields of the HttpConnectionManager besides those that every plan has. */
  readonly connectionManager?: JsonObject
  /** Fields of each filter chain besides its filters; one chain without any unless set. */
  readonly chains?: readonly JsonObject[]
  /** Fields of the listener besides those that every plan has. */
  readonly listener?: JsonObject
  /** Reached from the proxy's own clusters only. */
  readonly internal?: true
  /** Of the access log: what its lines have besides the usual, and which it has; or whether each try has one, too. */
  readonly log?: { readonly format?: JsonObject; readonly filter?: JsonObject; readonly ofTries?: true }
  /** In place of a connection manager. */
  readonly tcpProxy?: JsonObject
  /** Besides those that every plan has; names are unique among all plans. */
  readonly clusters?: readonly ClusterPlan[]
}

export interface ClusterPlan {
  readonly name: string
  /** Or the listener of another proxy (`Side.start`). */
  readonly endpoint: EndpointName | typeof FAR_LISTENER
  /** Fields of the cluster besides its endpoint. */
  readonly fields: JsonObject
  /** In its place, where there are several. */
  readonly endpoints?: readonly EndpointPlan[]
  /** What each locality of several endpoints weighs. */
  readonly zoneWeightOf?: Readonly<Record<string, number>>
}

export interface EndpointPlan {
  readonly endpoint: EndpointName
  readonly zone: string
  readonly priority: number
  /** Besides its address. */
  readonly fields: JsonObject
}

/**
 * What an endpoint speaks: requests that it answers as they tell it, in clear text or over TLS; or, for a conversation
 * that both of its ends are played of, bytes or the streams of HTTP/2; or the very frames of HTTP/2 that it is told.
 */
export type EndpointKind = 'http1' | 'http2' | 'tls' | 'bytes' | 'streams' | 'frames'

/** Each in a cluster of its name. */
export const ENDPOINTS = {
  alpha: 'http1',
  beta: 'http1',
  gamma: 'http1',
  delta: 'http2',
  bytes: 'bytes',
  streams: 'streams',
  'tls-a': 'tls',
  'tls-stranger': 'tls',
  frames: 'frames',
} as const satisfies Record<string, EndpointKind>
export type EndpointName = keyof typeof ENDPOINTS
export const FAR_LISTENER = 'far listener'
/** Its endpoint refuses connections. */
export const DEAD_CLUSTER = 'dead'
/** It has no endpoints. */
export const EMPTY_CLUSTER = 'empty'

const TYPE = 'type.googleapis.com/envoy'
const EXTENSION = `${TYPE}.extensions`

/** What the comparison reads of the access log, by the name that differences are reported under. */
const LOG_FORMAT: JsonObject = {
  port: '%DOWNSTREAM_DIRECT_REMOTE_PORT%',
  client: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  method: '%REQ(:METHOD)%',
  authority: '%REQ(:AUTHORITY)%',
  path: '%REQ(:PATH)%',
  original: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  request_a: '%REQ(X-A)%',
  response_up: '%RESP(X-UP)%',
  code: '%RESPONSE_CODE%',
  details: '%RESPONSE_CODE_DETAILS%',
  flags: '%RESPONSE_FLAGS%',
  protocol: '%PROTOCOL%',
  cluster: '%UPSTREAM_CLUSTER%',
  endpoint: '%UPSTREAM_HOST%',
  route: '%ROUTE_NAME%',
  attempts: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  received: '%BYTES_RECEIVED%',
  sent: '%BYTES_SENT%',
  termination: '%CONNECTION_TERMINATION_DETAILS%',
  failure: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  status: '%RESP(:STATUS)%',
  local: '%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%',
  direct: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%',
  server_name: '%REQUESTED_SERVER_NAME%',
  peer: '%DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_PEER_DNS_SAN% %DOWNSTREAM_PEER_FINGERPRINT_256%',
  own: '%DOWNSTREAM_LOCAL_URI_SAN%',
  judged: '%DYNAMIC_METADATA(envoy.filters.http.rbac:shadow_engine_result)%',
  mixed: '[%REQ(X-NONE)%] %RESPONSE_CODE% %REQ(X-A):2% %REQ(X-NONE?X-B)% 100%%',
  nested: {
    list: ['%RESPONSE_CODE%', 1, true, null],
    text: 'plain',
    upstream: '%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  },
}

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
/** Fields of a cluster whose endpoints are spoken to in HTTP/2. */
export const HTTP2_UPSTREAM: JsonObject = {
  typed_extension_protocol_options: {
    [HTTP_OPTIONS]: {
      '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
      explicit_http_config: { http2_protocol_options: { allow_connect: true } },
    },
  },
}

/** On every listener of HTTP: by it a connection is asked whether it is still open, and the log where it stands. */
export const PROBE_HOST: JsonObject = {
  name: 'probe',
  domains: ['probe'],
  routes: [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'probe' } } }],
}

export function bootstrap(
  listeners: readonly ListenerPlan[],
  ports: ReadonlyMap<string, number>,
  logFile: string,
): JsonObject {
  return {
    node: { id: 'differential', cluster: 'differential' },
    admin: { address: address(0) },
    bootstrap_extensions: [
      {
        name: 'internal',
        typed_config: { '@type': `${EXTENSION}.bootstrap.internal_listener.v3.InternalListener` },
      },
    ],
    static_resources: {
      listeners: listeners.map(plan => listener(plan, logFile)),
      clusters: clusters(
        ports,
        listeners.flatMap(plan => plan.clusters ?? []),
      ),
    },
  }
}

const FORMATTERS: JsonValue = [
  {
    name: 'envoy.formatter.req_without_query',
    typed_config: { '@type': `${EXTENSION}.formatter.req_without_query.v3.ReqWithoutQuery` },
  },
]

function listener(plan: ListenerPlan, logFile: string): JsonObject {
  const accessLog = { '@type': `${EXTENSION}.access_loggers.file.v3.FileAccessLog`, path: logFile }
  const log = [
    {
      name: 'file',
      typed_config: {
        ...accessLog,
        log_format: { json_format: { ...LOG_FORMAT, ...plan.log?.format }, formatters: FORMATTERS },
      },
      ...(plan.log?.filter ? { filter: plan.log.filter } : {}),
    },
  ]
  const router: JsonObject = { '@type': `${EXTENSION}.filters.http.router.v3.Router` }
  const manager: JsonObject = {
    '@type': `${EXTENSION}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: plan.name,
    codec_type: 'HTTP1',
    // A connection to be closed is closed when the last byte is out: how long one lingers is not what is compared.
    delayed_close_timeout: '0s',
    access_log: log,
    http_filters: [{ name: 'router', typed_config: plan.log?.ofTries ? { ...router, upstream_log: log } : router }],
    route_config: {
      name: plan.name,
      ...plan.routeConfiguration,
      virtual_hosts: [...plan.virtualHosts, PROBE_HOST],
    },
    ...plan.connectionManager,
  }
  const proxy = (own: JsonValue): JsonObject => ({
    '@type': `${EXTENSION}.filters.network.tcp_proxy.v3.TcpProxy`,
    stat_prefix: plan.name,
    access_log: log,
    ...(own as JsonObject),
  })
  return {
    name: plan.name,
    ...(plan.internal ? { internal_listener: {} } : { address: address(0) }),
    // What a chain says of a tcp_proxy stands for its filters.
    filter_chains: (plan.chains ?? [{}]).map(({ tcpProxy = plan.tcpProxy, ...chain }) => ({
      filters: [
        tcpProxy === undefined
          ? { name: 'http', typed_config: manager }
          : { name: 'tcp', typed_config: proxy(tcpProxy) },
      ],
      ...chain,
    })),
    ...plan.listener,
  }
}

function clusters(ports: ReadonlyMap<string, number>, more: readonly ClusterPlan[]): JsonValue[] {
  const cluster = (name: string, endpoints: readonly number[]): JsonObject => ({
    name,
    type: 'STATIC',
    // Nobody is late by it: a busy machine has handshakes last.
    connect_timeout: '20s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: endpoints.map(port => ({ endpoint: { address: address(port) } })) }],
    },
  })
  return [
    ...Object.keys(ENDPOINTS)
      .filter(name => ports.has(name))
      .map(name => ({ ...cluster(name, [ports.get(name)!]), ...protocolOf(name) })),
    ...more.map(plan => ({
      ...cluster(plan.name, [ports.get(plan.endpoint)!]),
      ...(plan.endpoints ? { load_assignment: assignment(plan, plan.endpoints, ports) } : {}),
      ...plan.fields,
    })),
    // Port 1 of loopback: nobody serves tcpmux.
    cluster(DEAD_CLUSTER, [1]),
    cluster(EMPTY_CLUSTER, []),
  ]
}

/** Localities are told apart by zone and priority. */
function assignment(
  { name, zoneWeightOf = {} }: ClusterPlan,
  endpoints: readonly EndpointPlan[],
  ports: ReadonlyMap<string, number>,
): JsonObject {
  const localities = Map.groupBy(endpoints, ({ zone, priority }) => `${priority} ${zone}`)
  return {
    cluster_name: name,
    endpoints: [...localities.values()].map((own): JsonObject => {
      const { zone, priority } = own[0]!
      return {
        locality: { zone },
        priority,
        load_balancing_weight: zoneWeightOf[zone] ?? 1,
        lb_endpoints: own.map(
          ({ endpoint, fields }): JsonObject => ({ endpoint: { address: address(ports.get(endpoint)!) }, ...fields }),
        ),
      }
    }),
  }
}

function protocolOf(name: string): JsonObject {
  const kind: EndpointKind = ENDPOINTS[name as EndpointName]
  return kind === 'http2' || kind === 'streams' ? HTTP2_UPSTREAM : {}
}

function address(port: number): JsonObject {
  return { socket_address: { address: '127.0.0.1', port_value: port } }
}
