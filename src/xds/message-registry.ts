// Every message that the mesh puts into an Any, so that resources can be shown as JSON.
import {
  createRegistry,
  type DescMessage,
  type JsonValue,
  type Message,
  type Registry,
  toJson,
} from '@bufbuild/protobuf'
import { FilterConfigSchema } from './generated/envoy/config/route/v3/route_components_pb.ts'
import { file_envoy_extensions_access_loggers_file_v3_file } from './generated/envoy/extensions/access_loggers/file/v3/file_pb.ts'
import { file_envoy_extensions_access_loggers_stream_v3_stream } from './generated/envoy/extensions/access_loggers/stream/v3/stream_pb.ts'
import { file_envoy_extensions_clusters_dynamic_forward_proxy_v3_cluster } from './generated/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts'
import { file_envoy_extensions_filters_http_buffer_v3_buffer } from './generated/envoy/extensions/filters/http/buffer/v3/buffer_pb.ts'
import { file_envoy_extensions_filters_http_cors_v3_cors } from './generated/envoy/extensions/filters/http/cors/v3/cors_pb.ts'
import { file_envoy_extensions_filters_http_dynamic_forward_proxy_v3_dynamic_forward_proxy } from './generated/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.ts'
import { file_envoy_extensions_filters_http_fault_v3_fault } from './generated/envoy/extensions/filters/http/fault/v3/fault_pb.ts'
import { file_envoy_extensions_filters_http_grpc_stats_v3_config } from './generated/envoy/extensions/filters/http/grpc_stats/v3/config_pb.ts'
import { file_envoy_extensions_filters_http_grpc_web_v3_grpc_web } from './generated/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.ts'
import { file_envoy_extensions_filters_http_header_mutation_v3_header_mutation } from './generated/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.ts'
import { file_envoy_extensions_filters_http_health_check_v3_health_check } from './generated/envoy/extensions/filters/http/health_check/v3/health_check_pb.ts'
import { file_envoy_extensions_filters_http_local_ratelimit_v3_local_rate_limit } from './generated/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts'
import { file_envoy_extensions_filters_http_ratelimit_v3_rate_limit } from './generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit_pb.ts'
import { file_envoy_extensions_filters_http_rbac_v3_rbac } from './generated/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts'
import { file_envoy_extensions_filters_http_router_v3_router } from './generated/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { file_envoy_extensions_filters_listener_http_inspector_v3_http_inspector } from './generated/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts'
import { file_envoy_extensions_filters_listener_proxy_protocol_v3_proxy_protocol } from './generated/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.ts'
import { file_envoy_extensions_filters_listener_tls_inspector_v3_tls_inspector } from './generated/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts'
import { file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager } from './generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { file_envoy_extensions_filters_network_sni_cluster_v3_sni_cluster } from './generated/envoy/extensions/filters/network/sni_cluster/v3/sni_cluster_pb.ts'
import { file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy } from './generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import { file_envoy_extensions_formatter_req_without_query_v3_req_without_query } from './generated/envoy/extensions/formatter/req_without_query/v3/req_without_query_pb.ts'
import { file_envoy_extensions_http_header_formatters_preserve_case_v3_preserve_case } from './generated/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.ts'
import { file_envoy_extensions_internal_redirect_allow_listed_routes_v3_allow_listed_routes_config } from './generated/envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config_pb.ts'
import { file_envoy_extensions_internal_redirect_previous_routes_v3_previous_routes_config } from './generated/envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config_pb.ts'
import { file_envoy_extensions_internal_redirect_safe_cross_scheme_v3_safe_cross_scheme_config } from './generated/envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config_pb.ts'
import { file_envoy_extensions_path_match_uri_template_v3_uri_template_match } from './generated/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts'
import { file_envoy_extensions_path_rewrite_uri_template_v3_uri_template_rewrite } from './generated/envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite_pb.ts'
import { file_envoy_extensions_request_id_uuid_v3_uuid } from './generated/envoy/extensions/request_id/uuid/v3/uuid_pb.ts'
import { file_envoy_extensions_retry_host_previous_hosts_v3_previous_hosts } from './generated/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts'
import { file_envoy_extensions_retry_priority_previous_priorities_v3_previous_priorities_config } from './generated/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.ts'
import { file_envoy_extensions_transport_sockets_internal_upstream_v3_internal_upstream } from './generated/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream_pb.ts'
import { file_envoy_extensions_transport_sockets_proxy_protocol_v3_upstream_proxy_protocol } from './generated/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.ts'
import { file_envoy_extensions_transport_sockets_raw_buffer_v3_raw_buffer } from './generated/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts'
import { file_envoy_extensions_transport_sockets_tls_v3_tls } from './generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import { file_envoy_extensions_upstreams_http_v3_http_protocol_options } from './generated/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'

export const MESSAGE_REGISTRY: Registry = createRegistry(
  FilterConfigSchema,
  file_envoy_extensions_access_loggers_file_v3_file,
  file_envoy_extensions_access_loggers_stream_v3_stream,
  file_envoy_extensions_clusters_dynamic_forward_proxy_v3_cluster,
  file_envoy_extensions_filters_http_dynamic_forward_proxy_v3_dynamic_forward_proxy,
  file_envoy_extensions_filters_http_buffer_v3_buffer,
  file_envoy_extensions_filters_http_cors_v3_cors,
  file_envoy_extensions_filters_http_fault_v3_fault,
  file_envoy_extensions_filters_http_grpc_stats_v3_config,
  file_envoy_extensions_filters_http_grpc_web_v3_grpc_web,
  file_envoy_extensions_filters_http_header_mutation_v3_header_mutation,
  file_envoy_extensions_filters_http_health_check_v3_health_check,
  file_envoy_extensions_filters_http_local_ratelimit_v3_local_rate_limit,
  file_envoy_extensions_filters_http_ratelimit_v3_rate_limit,
  file_envoy_extensions_filters_http_rbac_v3_rbac,
  file_envoy_extensions_filters_http_router_v3_router,
  file_envoy_extensions_filters_listener_http_inspector_v3_http_inspector,
  file_envoy_extensions_filters_listener_proxy_protocol_v3_proxy_protocol,
  file_envoy_extensions_filters_listener_tls_inspector_v3_tls_inspector,
  file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager,
  file_envoy_extensions_filters_network_sni_cluster_v3_sni_cluster,
  file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy,
  file_envoy_extensions_formatter_req_without_query_v3_req_without_query,
  file_envoy_extensions_http_header_formatters_preserve_case_v3_preserve_case,
  file_envoy_extensions_internal_redirect_allow_listed_routes_v3_allow_listed_routes_config,
  file_envoy_extensions_internal_redirect_previous_routes_v3_previous_routes_config,
  file_envoy_extensions_internal_redirect_safe_cross_scheme_v3_safe_cross_scheme_config,
  file_envoy_extensions_path_match_uri_template_v3_uri_template_match,
  file_envoy_extensions_path_rewrite_uri_template_v3_uri_template_rewrite,
  file_envoy_extensions_request_id_uuid_v3_uuid,
  file_envoy_extensions_retry_host_previous_hosts_v3_previous_hosts,
  file_envoy_extensions_transport_sockets_internal_upstream_v3_internal_upstream,
  file_envoy_extensions_retry_priority_previous_priorities_v3_previous_priorities_config,
  file_envoy_extensions_transport_sockets_proxy_protocol_v3_upstream_proxy_protocol,
  file_envoy_extensions_transport_sockets_raw_buffer_v3_raw_buffer,
  file_envoy_extensions_transport_sockets_tls_v3_tls,
  file_envoy_extensions_upstreams_http_v3_http_protocol_options,
)

/** Field names as the .proto spells them, as in Envoy's config dump. Throws on an Any that the registry does not know. */
export function resourceToJson(schema: DescMessage, message: Message): JsonValue {
  return toJson(schema, message, { registry: MESSAGE_REGISTRY, useProtoFieldName: true })
}
