// What both proxies are configured with: listeners with their route tables, and the clusters behind them.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'

export interface ListenerPlan {
  readonly name: string
  readonly virtualHosts: readonly JsonObject[]
  /** Fields of the route configuration besides its virtual hosts. */
  readonly routeConfiguration?: JsonObject
  /** Fields of the HttpConnectionManager besides those that every plan has. */
  readonly connectionManager?: JsonObject
}

/** Clusters with one endpoint each, which answers as it is told. */
export const LIVE_CLUSTERS = ['alpha', 'beta', 'gamma'] as const
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
}

/** On every listener: by it a connection is asked whether it is still open, and the log where it stands. */
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
    static_resources: { listeners: listeners.map(plan => listener(plan, logFile)), clusters: clusters(ports) },
  }
}

function listener(plan: ListenerPlan, logFile: string): JsonObject {
  const accessLog = { '@type': `${EXTENSION}.access_loggers.file.v3.FileAccessLog`, path: logFile }
  const manager: JsonObject = {
    '@type': `${EXTENSION}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: plan.name,
    codec_type: 'HTTP1',
    // A connection to be closed is closed when the last byte is out: how long one lingers is not what is compared.
    delayed_close_timeout: '0s',
    access_log: [{ name: 'file', typed_config: { ...accessLog, log_format: { json_format: LOG_FORMAT } } }],
    http_filters: [{ name: 'router', typed_config: { '@type': `${EXTENSION}.filters.http.router.v3.Router` } }],
    route_config: {
      name: plan.name,
      ...plan.routeConfiguration,
      virtual_hosts: [...plan.virtualHosts, PROBE_HOST],
    },
    ...plan.connectionManager,
  }
  return {
    name: plan.name,
    address: address(0),
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
  }
}

function clusters(ports: ReadonlyMap<string, number>): JsonValue[] {
  const cluster = (name: string, endpoints: readonly number[]): JsonObject => ({
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: endpoints.map(port => ({ endpoint: { address: address(port) } })) }],
    },
  })
  return [
    ...[...ports].map(([name, port]) => cluster(name, [port])),
    // Port 1 of loopback: nobody serves tcpmux.
    cluster(DEAD_CLUSTER, [1]),
    cluster(EMPTY_CLUSTER, []),
  ]
}

function address(port: number): JsonObject {
  return { socket_address: { address: '127.0.0.1', port_value: port } }
}
