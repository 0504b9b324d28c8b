// envoy.filters.listener.tls_inspector
import { unpackAny } from '../../../../xds/any-pack.ts'
import { TlsInspectorSchema } from '../../../../xds/generated/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import type { ListenerFilterFactory } from '../contract/listener-filter.ts'
import { TlsInspector } from './filter.ts'

// initial_read_buffer_size tunes Envoy's peeking; bytes are read as they come here, so every value is met.
const FIELDS = new Set(['initial_read_buffer_size'])

export const TLS_INSPECTOR: ListenerFilterFactory = {
  name: 'envoy.filters.listener.tls_inspector',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  compile(typedConfig, path) {
    const check = new ResourceCheck('')
    const message = unpackAny(typedConfig, TlsInspectorSchema)
    if (message) check.honour(TlsInspectorSchema, message, path, FIELDS)
    else check.error(path, 'is not a TlsInspector')
    const size = message?.initialReadBufferSize
    // Envoy's own bounds.
    if (size !== undefined && (size < 256 || size > 65_536))
      check.error(`${path}.initial_read_buffer_size`, 'must be from 256 to 65536')
    return check.result(new TlsInspector())
  },
}
