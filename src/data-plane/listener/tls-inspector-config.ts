// The empty config of the TLS inspector, for listeners that need one without naming it.
import { create } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'

export const TLS_INSPECTOR = create(AnySchema, {
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
})
