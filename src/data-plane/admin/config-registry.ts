// Every message that config may carry in an Any, so that it can be printed.
import {
  createRegistry,
  type DescMessage,
  type JsonValue,
  type MessageShape,
  type Registry,
  toJson,
} from '@bufbuild/protobuf'
import { EmptySchema } from '@bufbuild/protobuf/wkt'
import { FileAccessLogSchema } from '../../xds/generated/envoy/extensions/access_loggers/file/v3/file_pb.ts'
import {
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
} from '../../xds/generated/envoy/extensions/access_loggers/stream/v3/stream_pb.ts'
import { ClusterConfigSchema } from '../../xds/generated/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts'
import { FilterConfigSchema } from '../../xds/generated/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.ts'
import { RouterSchema } from '../../xds/generated/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { HttpInspectorSchema } from '../../xds/generated/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts'
import { TlsInspectorSchema } from '../../xds/generated/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts'
import { HttpConnectionManagerSchema } from '../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { TcpProxySchema } from '../../xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import { RawBufferSchema } from '../../xds/generated/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts'
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import { HttpProtocolOptionsSchema } from '../../xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import { RESOURCE_SCHEMA } from '../../xds/resource-message.ts'

const known = createRegistry(
  ...Object.values(RESOURCE_SCHEMA),
  HttpConnectionManagerSchema,
  TcpProxySchema,
  RouterSchema,
  FilterConfigSchema,
  ClusterConfigSchema,
  HttpProtocolOptionsSchema,
  TlsInspectorSchema,
  HttpInspectorSchema,
  RawBufferSchema,
  UpstreamTlsContextSchema,
  DownstreamTlsContextSchema,
  FileAccessLogSchema,
  StdoutAccessLogSchema,
  StderrAccessLogSchema,
)

/**
 * A type that nobody here reads (Istio's retry predicates, or what is in a refused resource) prints as its `@type` with
 * an empty value: one of them must not hide the resource around it.
 */
const registry: Registry = {
  kind: 'registry',
  [Symbol.iterator]: () => known[Symbol.iterator](),
  get: name => known.get(name),
  getMessage: name => known.getMessage(name) ?? EmptySchema,
  getEnum: name => known.getEnum(name),
  getExtension: name => known.getExtension(name),
  getExtensionFor: (extendee, number) => known.getExtensionFor(extendee, number),
  getService: name => known.getService(name),
}

export type JsonObject = { [key: string]: JsonValue }

/** As Envoy prints it: protobuf's JSON with the names of the .proto, `@type` first. */
export function configToJson<D extends DescMessage>(schema: D, message: MessageShape<D>): JsonObject {
  const type = { '@type': `type.googleapis.com/${schema.typeName}` }
  try {
    return { ...type, ...(toJson(schema, message, { registry, useProtoFieldName: true }) as JsonObject) }
  } catch (error) {
    // A refused resource may carry a type that nobody here knows.
    return { ...type, error: `cannot be printed: ${(error as Error).message}` }
  }
}
