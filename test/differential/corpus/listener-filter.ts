import type { JsonObject } from '@bufbuild/protobuf'

/** An entry of a listener's `listener_filters`; `kind` as in `tls_inspector.v3.TlsInspector`. */
export function listenerFilter(kind: string, config: JsonObject = {}): JsonObject {
  const type = `type.googleapis.com/envoy.extensions.filters.listener.${kind}`
  return { name: kind.slice(0, kind.indexOf('.')), typed_config: { '@type': type, ...config } }
}
