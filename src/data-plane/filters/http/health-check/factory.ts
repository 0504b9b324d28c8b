// The health check filter, for the registry.
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { compileHealthCheck } from './config.ts'
import { HealthCheckFilter, type HealthCheckTools } from './filter.ts'
import { healthCheckStats } from './health-check-stats.ts'

export const HEALTH_CHECK: HttpFilterFactory = {
  name: 'envoy.filters.http.health_check',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck',
  terminal: false,
  compile(typedConfig, host) {
    const config = compileHealthCheck(typedConfig)
    if (!config.ok) return config
    const tools: HealthCheckTools = {
      config: config.value,
      clock: host.proxy.clock,
      clusters: host.proxy.clusters,
      health: host.proxy.health,
      serviceCluster: host.proxy.serviceCluster,
      stats: healthCheckStats(host.connectionManagerStats),
      memory: { status: 0, degraded: false, until: Number.NEGATIVE_INFINITY },
    }
    return {
      ok: true,
      value: {
        name: host.filterName,
        events: ['decodeHeaders', 'decodeData', 'decodeTrailers', 'encodeHeaders'],
        createFilter: stream => new HealthCheckFilter(stream, tools),
      },
    }
  },
}
