// What a ClusterLoadAssignment says of each endpoint, read once for every version of it.
import type { JsonObject } from '@bufbuild/protobuf'
import { toByteString } from '../../automata/regex.ts'
import type { Locality } from '../../model/locality.ts'
import { NO_LOCALITY } from '../../model/locality.ts'
import type { Address } from '../../xds/generated/envoy/config/core/v3/address_pb.ts'
import { HealthStatus } from '../../xds/generated/envoy/config/core/v3/health_check_pb.ts'
import {
  EndpointSchema,
  type LbEndpoint,
  LbEndpointSchema,
  type LocalityLbEndpoints,
  LocalityLbEndpointsSchema,
} from '../../xds/generated/envoy/config/endpoint/v3/endpoint_components_pb.ts'
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from '../../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { internalAddress } from '../internal-listener/internal-network.ts'

export interface EndpointSpec {
  /** IP address, a host name where the cluster resolves names, or an internal listener's address, with port 0. */
  readonly address: string
  readonly port: number
  readonly hostname: string
  readonly weight: number
  /** 0 is used first. */
  readonly priority: number
  readonly locality: Locality
  /** Of the locality as a whole; 0: none was given. */
  readonly localityWeight: number
  readonly usable: boolean
  readonly degraded: boolean
  /** What hashing policies know it by, where that is not its address. */
  readonly hashKey: string | null
  /** The `envoy.transport_socket_match` metadata, which chooses the transport socket. */
  readonly transportMatch: Readonly<JsonObject>
}

/** More than any registry that fits one process; a bound against nonsense. */
const MAX_ENDPOINTS = 100_000
const MAX_PRIORITY = 128

const ASSIGNMENT_FIELDS = new Set(['cluster_name', 'endpoints'])
const GROUP_FIELDS = new Set(['locality', 'lb_endpoints', 'load_balancing_weight', 'priority', 'metadata'])
const ENDPOINT_FIELDS = new Set(['endpoint', 'health_status', 'metadata', 'load_balancing_weight'])

// `hostname` is for rewriting the authority and for Envoy's own health checks, which are refused where they are asked for.
const HOST_FIELDS = new Set(['address', 'hostname'])

const USABLE = new Set<HealthStatus>([HealthStatus.UNKNOWN, HealthStatus.HEALTHY, HealthStatus.DEGRADED])

export function readLoadAssignment(message: ClusterLoadAssignment, at: string, check: ResourceCheck): EndpointSpec[] {
  const specs: EndpointSpec[] = []
  const prefix = at === '' ? '' : `${at}.`
  check.honour(ClusterLoadAssignmentSchema, message, at, ASSIGNMENT_FIELDS)
  for (const [i, group] of message.endpoints.entries()) {
    const path = `${prefix}endpoints[${i}]`
    check.honour(LocalityLbEndpointsSchema, group, path, GROUP_FIELDS)
    if (group.priority > MAX_PRIORITY) check.error(`${path}.priority`, `is over ${MAX_PRIORITY}`)
    if (group.loadBalancingWeight === 0) check.error(`${path}.load_balancing_weight`, 'must be at least 1')
    for (const [j, endpoint] of group.lbEndpoints.entries()) {
      const spec = readEndpoint(endpoint, `${path}.lb_endpoints[${j}]`, group, check)
      if (spec !== undefined) specs.push(spec)
    }
  }
  if (specs.length > MAX_ENDPOINTS) check.error(`${prefix}endpoints`, `names more than ${MAX_ENDPOINTS} endpoints`)
  return specs
}

function readEndpoint(
  message: LbEndpoint,
  path: string,
  group: LocalityLbEndpoints,
  check: ResourceCheck,
): EndpointSpec | undefined {
  check.honour(LbEndpointSchema, message, path, ENDPOINT_FIELDS)
  const endpoint = message.hostIdentifier.case === 'endpoint' ? message.hostIdentifier.value : undefined
  if (endpoint) check.honour(EndpointSchema, endpoint, `${path}.endpoint`, HOST_FIELDS)
  const place = readAddress(endpoint?.address, `${path}.endpoint.address`, check)
  if (place === undefined) return undefined
  if (message.loadBalancingWeight === 0) check.error(`${path}.load_balancing_weight`, 'must be at least 1')
  const hashKey = message.metadata?.filterMetadata['envoy.lb']?.['hash_key']
  return {
    ...place,
    hostname: endpoint?.hostname ?? '',
    weight: message.loadBalancingWeight ?? 1,
    priority: group.priority,
    locality: group.locality ?? NO_LOCALITY,
    localityWeight: group.loadBalancingWeight ?? 0,
    usable: USABLE.has(message.healthStatus),
    degraded: message.healthStatus === HealthStatus.DEGRADED,
    hashKey: typeof hashKey === 'string' && hashKey !== '' ? toByteString(hashKey) : null,
    transportMatch: message.metadata?.filterMetadata['envoy.transport_socket_match'] ?? {},
  }
}

function readAddress(
  message: Address | undefined,
  path: string,
  check: ResourceCheck,
): Pick<EndpointSpec, 'address' | 'port'> | undefined {
  const address = message?.address
  if (address?.case === 'envoyInternalAddress') {
    const { addressNameSpecifier: listener, endpointId } = address.value
    if (listener.value) return { address: internalAddress(listener.value, endpointId), port: 0 }
    check.error(`${path}.envoy_internal_address.server_listener_name`, 'is required')
    return undefined
  }
  if (address?.case !== 'socketAddress') {
    check.unsupported(path, 'must be a socket address or an internal one')
    return undefined
  }
  const { portSpecifier } = address.value
  if (portSpecifier.case !== 'portValue' || portSpecifier.value < 1 || portSpecifier.value > 65_535) {
    check.error(`${path}.socket_address`, 'needs a port from 1 to 65535')
    return undefined
  }
  if (address.value.address === '') check.error(`${path}.socket_address`, 'needs an address')
  return { address: address.value.address, port: portSpecifier.value }
}
