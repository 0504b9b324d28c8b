// The messages of the resource types, by type: to decode what xDS carries and to print what a proxy holds.
import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf'
import { type Cluster, ClusterSchema } from './generated/envoy/config/cluster/v3/cluster_pb.ts'
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from './generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import { type Listener, ListenerSchema } from './generated/envoy/config/listener/v3/listener_pb.ts'
import { type RouteConfiguration, RouteConfigurationSchema } from './generated/envoy/config/route/v3/route_pb.ts'
import { type Secret, SecretSchema } from './generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import type { ResourceType } from './type-url.ts'

export type ResourceMessage = Cluster | ClusterLoadAssignment | Listener | RouteConfiguration | Secret

export const RESOURCE_SCHEMA = {
  cluster: ClusterSchema,
  endpoint: ClusterLoadAssignmentSchema,
  listener: ListenerSchema,
  route: RouteConfigurationSchema,
  secret: SecretSchema,
} as const satisfies Readonly<Record<ResourceType, DescMessage>>

/** The message's simple name, as problems say it: `Cluster`. */
export function resourceKind(type: ResourceType): string {
  return RESOURCE_SCHEMA[type].name
}

export function resourceName(message: ResourceMessage): string {
  return 'clusterName' in message ? message.clusterName : message.name
}

/** Throws protobuf-es's error when the bytes are no such message. */
export function decodeResource(type: ResourceType, bytes: Uint8Array): ResourceMessage {
  return fromBinary(RESOURCE_SCHEMA[type] as DescMessage, bytes) as MessageShape<DescMessage> as ResourceMessage
}
