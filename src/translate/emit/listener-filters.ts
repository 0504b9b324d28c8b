// What looks at a connection's first bytes before a filter chain is chosen.
import { create } from '@bufbuild/protobuf'
import { packAny } from '../../xds/any-pack.ts'
import {
  type ListenerFilter,
  ListenerFilterSchema,
} from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import { HttpInspectorSchema } from '../../xds/generated/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts'
import { ProxyProtocolSchema } from '../../xds/generated/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.ts'
import { TlsInspectorSchema } from '../../xds/generated/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts'

/** What the HTTP inspector finds in plaintext. */
export const PLAINTEXT_HTTP = ['http/1.0', 'http/1.1', 'h2c']

export function tlsInspector(): ListenerFilter {
  return create(ListenerFilterSchema, {
    name: 'envoy.filters.listener.tls_inspector',
    configType: { case: 'typedConfig', value: packAny(TlsInspectorSchema, create(TlsInspectorSchema)) },
  })
}

/** Either version; a connection without it is closed. */
export function proxyProtocol(): ListenerFilter {
  return create(ListenerFilterSchema, {
    name: 'envoy.filters.listener.proxy_protocol',
    configType: { case: 'typedConfig', value: packAny(ProxyProtocolSchema, create(ProxyProtocolSchema)) },
  })
}

export function httpInspector(): ListenerFilter {
  return create(ListenerFilterSchema, {
    name: 'envoy.filters.listener.http_inspector',
    configType: { case: 'typedConfig', value: packAny(HttpInspectorSchema, create(HttpInspectorSchema)) },
  })
}
