// proxy-config endpoints: ENDPOINT | STATUS | OUTLIER CHECK | CLUSTER, from /clusters?format=json.
import type { TableView } from '../output/print-data.ts'
import { type Json, list, object, string } from './config-dump.ts'
import type { ConfigFilter } from './config-filter.ts'

interface EndpointRow {
  readonly endpoint: string
  readonly status: string
  readonly outlier: string
  readonly cluster: string
}

/** The `cluster_statuses` that match, each with only the hosts that match. */
export function selectEndpoints(statuses: readonly Json[], filter: ConfigFilter): Json[] {
  return statuses
    .filter(status => filter.cluster === undefined || string(status, 'name') === filter.cluster)
    .map(status => ({
      ...status,
      host_statuses: list(status, 'host_statuses').filter(host => matches(status, host, filter)),
    }))
    .filter(status => status.host_statuses.length > 0)
}

export function endpointTable(statuses: readonly Json[]): TableView {
  const rows = statuses.flatMap(status => list(status, 'host_statuses').map(host => endpointRow(status, host)))
  rows.sort((a, b) => a.cluster.localeCompare(b.cluster) || a.endpoint.localeCompare(b.endpoint))
  return {
    header: ['ENDPOINT', 'STATUS', 'OUTLIER CHECK', 'CLUSTER'],
    rows: rows.map(row => [row.endpoint, row.status, row.outlier, row.cluster]),
    none: 'no endpoints match',
  }
}

/** The same shape from a config dump's endpoint configurations, for a saved file. */
export function clusterStatuses(assignments: readonly Json[]): Json[] {
  return assignments.map(assignment => ({
    name: string(assignment, 'cluster_name'),
    host_statuses: list(assignment, 'endpoints')
      .flatMap(locality => list(locality, 'lb_endpoints'))
      .map(endpoint => ({
        address: object(object(endpoint, 'endpoint'), 'address'),
        health_status: { eds_health_status: string(endpoint, 'health_status') || 'HEALTHY' },
      })),
  }))
}

function matches(status: Json, host: Json, filter: ConfigFilter): boolean {
  const row = endpointRow(status, host)
  const port = row.endpoint.slice(row.endpoint.lastIndexOf(':') + 1)
  return (
    (filter.address === undefined || row.endpoint.startsWith(`${filter.address}:`)) &&
    (filter.port === undefined || port === String(filter.port)) &&
    (filter.status === undefined || row.status === filter.status.toUpperCase())
  )
}

function endpointRow(status: Json, host: Json): EndpointRow {
  const address = object(host, 'address')
  const socket = object(address, 'socket_address')
  const pipe = string(object(address, 'pipe'), 'path')
  const internal = object(address, 'envoy_internal_address')
  const listener = string(internal, 'server_listener_name')
  const inside = listener && `envoy://${listener}/${string(internal, 'endpoint_id')}`
  const health = object(host, 'health_status')
  const failed = ['failed_active_health_check', 'failed_outlier_check', 'failed_active_degraded_check']
  const eds = string(health, 'eds_health_status') || 'HEALTHY'
  const unhealthy = eds !== 'HEALTHY' || failed.some(field => string(health, field) === 'true')
  return {
    endpoint: pipe || inside || `${string(socket, 'address')}:${string(socket, 'port_value')}`,
    status: eds === 'HEALTHY' && unhealthy ? 'UNHEALTHY' : eds,
    outlier: string(health, 'failed_outlier_check') === 'true' ? 'FAILED' : 'OK',
    cluster: string(status, 'name'),
  }
}
