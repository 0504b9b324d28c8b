// envoy.filters.listener.http_inspector
import { unpackAny } from '../../../../xds/any-pack.ts'
import { HttpInspectorSchema } from '../../../../xds/generated/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import type { ListenerFilterFactory } from '../contract/listener-filter.ts'
import { HttpInspector } from './filter.ts'

export const HTTP_INSPECTOR: ListenerFilterFactory = {
  name: 'envoy.filters.listener.http_inspector',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
  compile(typedConfig, path) {
    const check = new ResourceCheck('')
    const message = unpackAny(typedConfig, HttpInspectorSchema)
    if (message) check.honour(HttpInspectorSchema, message, path, new Set())
    else check.error(path, 'is not an HttpInspector')
    return check.result(new HttpInspector())
  },
}
