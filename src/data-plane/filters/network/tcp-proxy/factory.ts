// envoy.filters.network.tcp_proxy
import { unpackAny } from '../../../../xds/any-pack.ts'
import { TcpProxySchema } from '../../../../xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import type { NetworkFilterFactory } from '../contract/network-filter.ts'
import { compileTcpProxy } from './config.ts'
import { TcpProxyFilter } from './filter.ts'

export const TCP_PROXY: NetworkFilterFactory = {
  name: 'envoy.filters.network.tcp_proxy',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  terminal: true,
  compile(typedConfig, path, host) {
    const message = unpackAny(typedConfig, TcpProxySchema)
    if (message === null)
      return { ok: false, problems: [{ code: 'WEFT-4102', severity: 'error', path, message: 'cannot be decoded' }] }
    const compiled = compileTcpProxy(message, path, host)
    return compiled.ok ? { ok: true, value: new TcpProxyFilter(compiled.value) } : compiled
  },
}
