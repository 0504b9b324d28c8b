// The HTTP connection manager, for the registry of network filters.
import { fromBinary } from '@bufbuild/protobuf'
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
} from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { NetworkFilterFactory } from '../contract/network-filter.ts'
import { compileConnectionManager } from './config.ts'
import { HttpConnectionManagerFilter } from './filter.ts'

export const HTTP_CONNECTION_MANAGER: NetworkFilterFactory = {
  name: 'envoy.filters.network.http_connection_manager',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  terminal: true,
  compile(typedConfig, path, host) {
    let message: HttpConnectionManager
    try {
      message = fromBinary(HttpConnectionManagerSchema, typedConfig.value)
    } catch {
      return { ok: false, problems: [{ code: 'WEFT-4102', severity: 'error', path, message: 'cannot be decoded' }] }
    }
    const compiled = compileConnectionManager(message, path, host)
    if (!compiled.ok) return compiled
    const { config, routeConfigurations } = compiled.value
    return { ok: true, value: new HttpConnectionManagerFilter(config, routeConfigurations) }
  },
}
