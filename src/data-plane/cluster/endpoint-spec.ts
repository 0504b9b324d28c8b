// What a ClusterLoadAssignment says of each endpoint, read once for every version of it.
import { isIP } from 'node:net'
import type { JsonObject } from '@bufbuild/protobuf'
import { toByteString } from '../../automata/regex.ts'
import type { Locality } from '../../model/locality.ts'
import { NO_LOCALITY } from '../../model/locality.ts'
import type { Address } from '../../xds/generated/envoy/config/core/v3/address_pb.ts'
import { HealthStatus } from '../../xds/generated/envoy/config/core/v3/health_check_pb.ts'
import {
  type Endpoint_HealthCheckConfig,
  Endpoint_HealthCheckConfigSchema,
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
import { readSocketAddress } from '../socket-address.ts'

/** An endpoint's health_check_config. */
export interface CheckOptions {
  /** Empty: the endpoint's own. */
  readonly address: string
  /** 0: the endpoint's own. */
  readonly port: number
  /** Host or :authority of requests; empty: as the check says. */
  readonly hostname: string
  readonly isOff: boolean
}

export const OWN_CHECK_OPTIONS: CheckOptions = { address: '', port: 0, hostname: '', isOff: false }

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
  /** It leaves: neither well nor unwell, and so not counted (Envoy). */
  readonly draining: boolean
  readonly degraded: boolean
  /** What hashing policies know it by, where that is not its address. */
  readonly hashKey: string | null
  /** The `envoy.transport_socket_match` metadata, which chooses the transport socket. */
  readonly transportMatch: Readonly<JsonObject>
  readonly checkOptions: CheckOptions
}

/** More than any registry that fits one process; a bound against nonsense. */
const MAX_ENDPOINTS = 100_000
const MAX_PRIORITY = 128

const ASSIGNMENT_FIELDS = new Set(['cluster_name', 'endpoints'])
const GROUP_FIELDS = new Set(['locality', 'lb_endpoints', 'load_balancing_weight', 'priority', 'metadata'])
const ENDPOINT_FIELDS = new Set(['endpoint', 'health_status', 'metadata', 'load_balancing_weight'])

// `hostname` is for rewriting the authority; health checks have one of their own.
const HOST_FIELDS = new Set(['address', 'hostname', 'health_check_config'])
const CHECK_FIELDS = new Set(['address', 'port_value', 'hostname', 'disable_active_health_check'])
const MAX_PORT = 65_535
const VISIBLE = /^[\x21-\x7e]*$/

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
    draining: message.healthStatus === HealthStatus.DRAINING,
    degraded: message.healthStatus === HealthStatus.DEGRADED,
    hashKey: typeof hashKey === 'string' && hashKey !== '' ? toByteString(hashKey) : null,
    transportMatch: message.metadata?.filterMetadata['envoy.transport_socket_match'] ?? {},
    checkOptions: readCheckOptions(endpoint?.healthCheckConfig, `${path}.endpoint.health_check_config`, check),
  }
}

function readCheckOptions(
  message: Endpoint_HealthCheckConfig | undefined,
  path: string,
  check: ResourceCheck,
): CheckOptions {
  if (!message) return OWN_CHECK_OPTIONS
  check.honour(Endpoint_HealthCheckConfigSchema, message, path, CHECK_FIELDS)
  const { portValue, hostname, disableActiveHealthCheck } = message
  if (portValue > MAX_PORT) check.error(`${path}.port_value`, `must be at most ${MAX_PORT}`)
  if (!VISIBLE.test(hostname)) check.error(`${path}.hostname`, 'must be visible ASCII')
  const place = message.address && readAddress(message.address, `${path}.address`, check)
  if (place && isIP(place.address) === 0) check.error(`${path}.address`, 'must be an IP address')
  return {
    address: place?.address ?? '',
    port: portValue || (place?.port ?? 0),
    hostname,
    isOff: disableActiveHealthCheck,
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
  const place = readSocketAddress(message, path, check)
  if (place === null) return undefined
  if (place.port === 0) check.error(`${path}.socket_address.port_value`, 'must be from 1 to 65535')
  return { address: place.address, port: place.port }
}
