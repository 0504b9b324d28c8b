// grpc_web, for the registry.
import { GrpcStats } from '../../../stats/grpc-method-stats.ts'
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { compileGrpcWeb } from './config.ts'
import { GrpcWebFilter } from './filter.ts'

export const GRPC_WEB: HttpFilterFactory = {
  name: 'envoy.filters.http.grpc_web',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb',
  terminal: false,
  compile(typedConfig, host) {
    const config = compileGrpcWeb(typedConfig)
    if (!config.ok) return config
    const { clusters, stats: root } = host.proxy
    const stats = new GrpcStats(root, { family: 'grpc-web', methods: 'all', withTime: false, replaceDots: false })
    return {
      ok: true,
      value: {
        name: host.filterName,
        events: ['decodeHeaders', 'decodeData', 'decodeTrailers', 'encodeHeaders', 'encodeData', 'encodeTrailers'],
        createFilter: stream => new GrpcWebFilter(stream, clusters, stats),
      },
    }
  },
}
