// grpc_stats, for the registry.
import { GrpcStats } from '../../../stats/grpc-method-stats.ts'
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { compileGrpcStats } from './config.ts'
import { GrpcStatsFilter, type GrpcStatsTools } from './filter.ts'

export const GRPC_STATS: HttpFilterFactory = {
  name: 'envoy.filters.http.grpc_stats',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig',
  terminal: false,
  compile(typedConfig, host) {
    const config = compileGrpcStats(typedConfig)
    if (!config.ok) return config
    const { clock, clusters, stats } = host.proxy
    const tools: GrpcStatsTools = { clock, clusters, stats: new GrpcStats(stats, config.value) }
    return {
      ok: true,
      value: {
        name: host.filterName,
        events: ['decodeHeaders', 'decodeData', 'encodeHeaders', 'encodeData', 'encodeTrailers'],
        createFilter: stream => new GrpcStatsFilter(stream, tools),
      },
    }
  },
}
