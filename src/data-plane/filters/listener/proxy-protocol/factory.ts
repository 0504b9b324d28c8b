// envoy.filters.listener.proxy_protocol
import { unpackAny } from '../../../../xds/any-pack.ts'
import { ProxyProtocolSchema } from '../../../../xds/generated/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import type { ListenerFilterFactory } from '../contract/listener-filter.ts'
import { compileProxyProtocol } from './config.ts'
import { ProxyProtocolFilter } from './filter.ts'

export const PROXY_PROTOCOL: ListenerFilterFactory = {
  name: 'envoy.filters.listener.proxy_protocol',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
  compile(typedConfig, path, stats) {
    const message = unpackAny(typedConfig, ProxyProtocolSchema)
    if (message !== null) {
      const compiled = compileProxyProtocol(message, path, stats)
      return compiled.ok ? { ok: true, value: new ProxyProtocolFilter(compiled.value) } : compiled
    }
    const check = new ResourceCheck('')
    check.error(path, 'is not a ProxyProtocol')
    return { ok: false, problems: check.problems }
  },
}
