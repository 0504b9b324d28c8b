// The kinds of Istio: those that are read, and those that are refused by name.
import type { KindDefinition } from '../document/kind-definition.ts'
import { DESTINATION_RULE } from './destination-rule/destination-rule.ts'
import { ENVOY_FILTER } from './envoy-filter/envoy-filter.ts'
import { GATEWAY } from './gateway/gateway.ts'
import { readMeshConfig } from './mesh-config/mesh-config.ts'
import { PEER_AUTHENTICATION } from './peer-authentication/peer-authentication.ts'
import { SERVICE_ENTRY } from './service-entry/service-entry.ts'
import { SIDECAR } from './sidecar/sidecar.ts'
import { VIRTUAL_SERVICE } from './virtual-service/virtual-service.ts'
import { WORKLOAD_ENTRY } from './workload-entry/workload-entry.ts'
import { WORKLOAD_GROUP } from './workload-group/workload-group.ts'

/** Not a kind of the API: one text for the whole mesh. */
export const MESH_CONFIG = { read: readMeshConfig }

export const ISTIO_KINDS: readonly KindDefinition[] = [
  VIRTUAL_SERVICE,
  DESTINATION_RULE,
  ENVOY_FILTER,
  GATEWAY,
  SERVICE_ENTRY,
  WORKLOAD_ENTRY,
  WORKLOAD_GROUP,
  SIDECAR,
  PEER_AUTHENTICATION,
]

/** By API group. */
export const UNSUPPORTED_ISTIO_KINDS: Readonly<Record<string, readonly string[]>> = {
  'networking.istio.io': ['ProxyConfig'],
  'security.istio.io': ['RequestAuthentication', 'AuthorizationPolicy'],
  'telemetry.istio.io': ['Telemetry'],
  'extensions.istio.io': ['WasmPlugin', 'TrafficExtension'],
  'gateway.networking.x-k8s.io': ['XListenerSet', 'XBackendTrafficPolicy', 'XMesh'],
  'install.istio.io': ['IstioOperator'],
  'gateway.networking.k8s.io': [
    'GatewayClass',
    'Gateway',
    'HTTPRoute',
    'GRPCRoute',
    'TCPRoute',
    'TLSRoute',
    'UDPRoute',
    'ReferenceGrant',
    'BackendTLSPolicy',
    'ListenerSet',
  ],
}
