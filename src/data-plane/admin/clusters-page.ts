// /clusters, as Envoy prints it: text, and ?format=json (envoy/admin/v3/clusters.proto).
import type { CircuitLimits, Cluster, Endpoint } from '../cluster/cluster.ts'
import { addressToJson } from '../internal-listener/internal-network.ts'
import type { JsonObject } from './config-json.ts'
import { EndpointFigures } from './endpoint-figures.ts'
import { type JsonParts, jsonList, jsonObject } from './json-parts.ts'

const ALONE = new EndpointFigures()

/** In parts. */
export function* clustersText(clusters: readonly Cluster[], viaApi: boolean, figures = ALONE): Generator<string> {
  for (const cluster of clusters) {
    yield linesOf(cluster.name, [
      ['observability_name', cluster.name],
      ...outlierFigures(cluster).map(([field, value]): Line => [`outlier::${field}`, value]),
      ...Object.entries(cluster.thresholds).flatMap(([priority, limits]) =>
        limitsOf(limits).map(([field, value]): Line => [`${priority}_priority::${field}`, value]),
      ),
      ['added_via_api', viaApi],
    ])
    for (const endpoint of cluster.endpoints)
      yield linesOf(`${cluster.name}::${endpoint.key}`, [
        ...figures.of(cluster, endpoint),
        ['hostname', ''],
        ['health_flags', healthFlags(cluster, endpoint, figures)],
        ['weight', endpoint.weight],
        ...placeOf(endpoint),
        ['success_rate', endpoint.monitor?.successRate ?? -1],
        ['local_origin_success_rate', endpoint.monitor?.localSuccessRate ?? -1],
      ])
  }
}

type Line = readonly [field: string, value: string | number | boolean]

function linesOf(about: string, lines: readonly Line[]): string {
  let text = ''
  for (const [field, value] of lines) text += `${about}::${field}::${value}\n`
  return text
}

export function clustersJson(clusters: readonly Cluster[], viaApi: boolean, figures = ALONE): JsonParts {
  return jsonObject({
    cluster_statuses: jsonList(clusters, cluster =>
      jsonObject({
        name: cluster.name,
        added_via_api: viaApi,
        host_statuses: jsonList(cluster.endpoints, endpoint => hostStatus(cluster, endpoint, figures)),
        circuit_breakers: {
          thresholds: [
            Object.fromEntries(limitsOf(cluster.thresholds.default)),
            { priority: 'HIGH', ...Object.fromEntries(limitsOf(cluster.thresholds.high)) },
          ],
        },
        observability_name: cluster.name,
      }),
    ),
  })
}

function hostStatus(cluster: Cluster, endpoint: Endpoint, figures: EndpointFigures): JsonObject {
  return {
    address: addressToJson(endpoint.address, endpoint.port),
    stats: figures
      .of(cluster, endpoint)
      .map(([name, value]) =>
        name.endsWith('_active') ? { type: 'GAUGE', name, value: String(value) } : { name, value: String(value) },
      ),
    health_status: {
      ...(endpoint.check?.failed ? { failed_active_health_check: true } : {}),
      ...(figures.ejectionOf(cluster, endpoint) === 'open' ? { failed_outlier_check: true } : {}),
      ...(endpoint.check?.degraded ? { failed_active_degraded_check: true } : {}),
      ...(endpoint.leaving ? { pending_dynamic_removal: true } : {}),
      ...(endpoint.check?.pending ? { pending_active_hc: true } : {}),
      ...(endpoint.check?.excluded ? { excluded_via_immediate_hc_fail: true } : {}),
      ...(endpoint.check?.timedOut ? { active_hc_timeout: true } : {}),
      eds_health_status: endpoint.healthy ? 'HEALTHY' : 'UNHEALTHY',
    },
    ...rate('success_rate', endpoint.monitor?.successRate),
    ...rate('local_origin_success_rate', endpoint.monitor?.localSuccessRate),
    weight: endpoint.weight,
    ...(endpoint.priority > 0 ? { priority: endpoint.priority } : {}),
    locality: localityJson(endpoint),
  }
}

function placeOf({ locality, priority }: Endpoint): readonly (readonly [string, string])[] {
  return [
    ['region', locality.region],
    ['zone', locality.zone],
    ['sub_zone', locality.subZone],
    ['canary', 'false'],
    ['priority', String(priority)],
  ]
}

function localityJson({ locality: { region, zone, subZone } }: Endpoint): JsonObject {
  return {
    ...(region === '' ? {} : { region }),
    ...(zone === '' ? {} : { zone }),
    ...(subZone === '' ? {} : { sub_zone: subZone }),
  }
}

function outlierFigures({ outliers }: Cluster): [string, number][] {
  if (!outliers) return []
  return [
    ['success_rate_average', outliers.external.average],
    ['success_rate_ejection_threshold', outliers.external.ejectionThreshold],
    ['local_origin_success_rate_average', outliers.local.average],
    ['local_origin_success_rate_ejection_threshold', outliers.local.ejectionThreshold],
  ]
}

/** Envoy's words; `half_open` is Weft's own: after its ejection the endpoint is to prove itself. */
function healthFlags(cluster: Cluster, endpoint: Endpoint, figures: EndpointFigures): string {
  const ejection = figures.ejectionOf(cluster, endpoint)
  const { check, leaving } = endpoint
  const flags = [
    ...(check?.failed ? ['/failed_active_hc'] : []),
    ...(ejection === 'open' ? ['/failed_outlier_check'] : []),
    ...(ejection === 'half-open' ? ['/half_open'] : []),
    ...(endpoint.healthy ? [] : ['/failed_eds_health']),
    ...(check?.degraded ? ['/degraded_active_hc'] : []),
    ...(leaving ? ['/pending_dynamic_removal'] : []),
    ...(check?.pending ? ['/pending_active_hc'] : []),
    ...(check?.excluded ? ['/excluded_via_immediate_hc_fail'] : []),
    ...(check?.timedOut ? ['/active_hc_timeout'] : []),
  ]
  return flags.length === 0 ? 'healthy' : flags.join('')
}

function rate(name: string, value: number | undefined): JsonObject {
  return value === undefined || value < 0 ? {} : { [name]: { value } }
}

function limitsOf(limits: CircuitLimits): [string, number][] {
  return [
    ['max_connections', limits.maxConnections],
    ['max_pending_requests', limits.maxPendingRequests],
    ['max_requests', limits.maxRequests],
    ['max_retries', limits.maxRetries],
  ]
}
