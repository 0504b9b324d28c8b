// The fault filter, for the registry.
import { TimerWheel } from '../../../../base/timer-wheel.ts'
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { compileFault } from './config.ts'
import { faultStats } from './fault-stats.ts'
import { FaultFilter, type FaultTools } from './filter.ts'

const TYPE_URL = 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault'

export const FAULT: HttpFilterFactory = {
  name: 'envoy.filters.http.fault',
  typeUrl: TYPE_URL,
  terminal: false,
  compile(typedConfig, host) {
    const settings = compileFault(typedConfig)
    if (!settings.ok) return settings
    const tools: FaultTools = {
      name: host.filterName,
      settings: settings.value,
      stats: faultStats(host.connectionManagerStats, host.proxy.limits),
      random: host.proxy.random,
      wheel: TimerWheel.of(host.proxy.clock),
    }
    return {
      ok: true,
      value: {
        name: host.filterName,
        events: ['decodeHeaders', 'decodeData', 'encodeData', 'encodeTrailers', 'onDestroy'],
        createFilter: stream => new FaultFilter(stream, tools),
      },
    }
  },
  routeConfig: { typeUrl: TYPE_URL, compile: compileFault },
}
