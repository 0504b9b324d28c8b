// /clusters, as Envoy prints it: text, and ?format=json (envoy/admin/v3/clusters.proto).
import type { CircuitLimits, Cluster, Endpoint } from '../cluster/cluster.ts'
import type { JsonObject } from './config-json.ts'

/** Adds up by `cluster::endpoint::figure` what other event loops have counted. */
type Others = readonly ReadonlyMap<string, number>[]

export function clustersText(clusters: readonly Cluster[], viaApi: boolean, others: Others = []): string {
  let text = ''
  for (const cluster of clusters) {
    const line = (field: string): void => {
      text += `${cluster.name}::${field}\n`
    }
    line(`observability_name::${cluster.name}`)
    for (const [field, value] of limitsOf(cluster.limits)) line(`default_priority::${field}::${value}`)
    line(`added_via_api::${viaApi}`)
    for (const endpoint of cluster.endpoints) {
      for (const [field, value] of allFiguresOf(cluster, endpoint, others)) line(`${endpoint.key}::${field}::${value}`)
      for (const [field, value] of DESCRIPTION) line(`${endpoint.key}::${field}::${value}`)
      line(`${endpoint.key}::weight::${endpoint.weight}`)
    }
  }
  return text
}

export function clustersJson(clusters: readonly Cluster[], viaApi: boolean, others: Others = []): JsonObject {
  return {
    cluster_statuses: clusters.map(cluster => ({
      name: cluster.name,
      added_via_api: viaApi,
      host_statuses: cluster.endpoints.map(endpoint => ({
        address: { socket_address: { address: endpoint.address, port_value: endpoint.port } },
        stats: allFiguresOf(cluster, endpoint, others).map(([name, value]) =>
          name.endsWith('_active') ? { type: 'GAUGE', name, value: String(value) } : { name, value: String(value) },
        ),
        // Endpoints that are not healthy are not among those that a cluster picks from.
        health_status: { eds_health_status: 'HEALTHY' },
        weight: endpoint.weight,
        locality: {},
      })),
      circuit_breakers: { thresholds: [Object.fromEntries(limitsOf(cluster.limits))] },
      observability_name: cluster.name,
    })),
  }
}

const DESCRIPTION: readonly (readonly [string, string])[] = [
  ['hostname', ''],
  ['health_flags', 'healthy'],
  ['region', ''],
  ['zone', ''],
  ['sub_zone', ''],
  ['canary', 'false'],
  ['priority', '0'],
  ['success_rate', '-1'],
  ['local_origin_success_rate', '-1'],
]

function limitsOf(limits: CircuitLimits): [string, number][] {
  return [
    ['max_connections', limits.maxConnections],
    ['max_pending_requests', limits.maxPendingRequests],
    ['max_requests', limits.maxRequests],
    ['max_retries', limits.maxRetries],
  ]
}

function allFiguresOf({ name }: Cluster, endpoint: Endpoint, others: Others): [string, number][] {
  return figuresOf(endpoint).map(([figure, value]) => {
    const key = `${name}::${endpoint.key}::${figure}`
    return [figure, others.reduce((sum, figures) => sum + (figures.get(key) ?? 0), value)]
  })
}

export function figuresOf({ stats, activeRequests }: Endpoint): [string, number][] {
  return [
    ['cx_active', stats.connectionsActive],
    ['cx_connect_fail', stats.connectFailures],
    ['cx_total', stats.connectionsTotal],
    ['rq_active', activeRequests],
    ['rq_error', stats.requestsError],
    ['rq_success', stats.requestsSuccess],
    ['rq_total', stats.requestsTotal],
  ]
}
