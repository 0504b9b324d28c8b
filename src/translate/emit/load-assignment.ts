// Endpoints of a cluster, grouped by locality.
import { create, type JsonObject } from '@bufbuild/protobuf'
import { MetadataSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { HealthStatus } from '../../xds/generated/envoy/config/core/v3/health_check_pb.ts'
import {
  type LbEndpoint,
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from '../../xds/generated/envoy/config/endpoint/v3/endpoint_components_pb.ts'
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from '../../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import type { MeshEndpoint } from '../link/mesh-service.ts'
import { compare } from '../link/precedence.ts'
import { type EndpointGroup, type LocalitySpread, spreadOver, totalOf } from './locality-spread.ts'
import { socketAddress } from './socket-address.ts'

/** Envoy's bound on the weights of a cluster's endpoints together. */
const MAX_TOTAL_WEIGHT = 0xffff_ffff

/** `spread`: how the client's place and the rules of its mesh weigh localities; without, all are alike. */
export function loadAssignment(
  clusterName: string,
  endpoints: readonly MeshEndpoint[],
  spread: LocalitySpread | null = null,
): ClusterLoadAssignment {
  const byLocality = new Map<string, MeshEndpoint[]>()
  for (const endpoint of endpoints) {
    const { region, zone, subZone } = endpoint.locality
    const key = `${region}/${zone}/${subZone}`
    const list = byLocality.get(key)
    if (list) list.push(endpoint)
    else byLocality.set(key, [endpoint])
  }
  const weightOf = scaledWeight(endpoints)
  const groups: EndpointGroup[] = [...byLocality]
    .sort(([a], [b]) => compare(a, b))
    .map(([, group]) => ({ endpoints: group, weight: totalOf(group, weightOf), priority: 0 }))
  const placed = spread === null ? groups : spreadOver(groups, spread, weightOf)
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: placed.map(({ endpoints: group, weight, priority }) =>
      create(LocalityLbEndpointsSchema, {
        locality: { ...group[0]!.locality },
        lbEndpoints: group.map(endpoint => lbEndpoint(endpoint, weightOf(endpoint))),
        // Envoy has no weight of 0: a locality without one gets nothing.
        ...(weight > 0 ? { loadBalancingWeight: weight } : {}),
        priority,
      }),
    ),
  })
}

/** The weight as written, or all of them made smaller in proportion where together they would be too many. */
function scaledWeight(endpoints: readonly MeshEndpoint[]): (endpoint: MeshEndpoint) => number {
  const total = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0)
  if (total <= MAX_TOTAL_WEIGHT) return endpoint => endpoint.weight
  const scale = (MAX_TOTAL_WEIGHT - endpoints.length) / total
  return endpoint => Math.max(1, Math.floor(endpoint.weight * scale))
}

function lbEndpoint(endpoint: MeshEndpoint, weight: number): LbEndpoint {
  const filterMetadata: Record<string, JsonObject> = { istio: { workload: endpoint.workload } }
  if (endpoint.mutualTls) filterMetadata['envoy.transport_socket_match'] = { tlsMode: 'istio' }
  return create(LbEndpointSchema, {
    hostIdentifier: { case: 'endpoint', value: { address: socketAddress(endpoint.address, endpoint.port) } },
    metadata: create(MetadataSchema, { filterMetadata }),
    loadBalancingWeight: weight,
    // Those that are published though not ready: healthy is what Istio calls them too.
    ...(endpoint.healthy ? {} : { healthStatus: HealthStatus.HEALTHY }),
  })
}
