// The router's config, compiled.

import type { Any } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../../../base/clock.ts'
import type { Parsed } from '../../../../base/problem.ts'
import type { Random } from '../../../../base/random.ts'
import { TimerWheel } from '../../../../base/timer-wheel.ts'
import { unpackAny } from '../../../../xds/any-pack.ts'
import { RouterSchema } from '../../../../xds/generated/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import type { ClusterSource } from '../../../cluster/cluster.ts'
import type { MirrorDifferences } from '../../../mirror-differences.ts'
import type { AccessLog } from '../../../stream-info.ts'
import { compileAccessLogs } from '../../network/contract/access-log-list.ts'
import type { HttpFilterHost } from '../contract/http-filter-factory.ts'
import { type RouterStats, routerStats } from './router-stats.ts'

export interface RouterConfig {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly random: Random
  readonly clusters: ClusterSource
  /** Told of each try. */
  readonly upstreamLogs: readonly AccessLog[]
  readonly stats: RouterStats
  /** Where answers of mirrors go that are not the client's. */
  readonly differences: MirrorDifferences
  /** No x-envoy-* fields of the router's own. */
  readonly suppressEnvoyHeaders: boolean
  /** Body bytes that may wait for a connection or a retry. */
  readonly bufferLimit: number
}

/**
 * Those of no effect here: `dynamic_stats` and the gRPC switch ask for fewer counters, `start_child_span` for spans that
 * nobody collects without a tracing provider.
 */
const FIELDS = new Set([
  'dynamic_stats',
  'start_child_span',
  'suppress_envoy_headers',
  'suppress_grpc_request_failure_code_stats',
  'upstream_log',
])

export function compileRouter(typedConfig: Any, host: HttpFilterHost): Parsed<RouterConfig> {
  const check = new ResourceCheck('')
  const router = unpackAny(typedConfig, RouterSchema)
  if (router === null) check.error('', 'cannot be decoded', 'WEFT-4102')
  else check.honour(RouterSchema, router, '', FIELDS)
  const upstreamLogs = compileAccessLogs(router?.upstreamLog ?? [], 'upstream_log', host.proxy, check)
  if (upstreamLogs.some(({ needsRecord }) => needsRecord))
    check.error('upstream_log', "times of a stream are for the connection manager's access log")
  return check.result({
    clock: host.proxy.clock,
    wheel: TimerWheel.of(host.proxy.clock),
    random: host.proxy.random,
    clusters: host.proxy.clusters,
    upstreamLogs,
    stats: routerStats(host.connectionManagerStats),
    differences: host.proxy.mirrorDifferences,
    suppressEnvoyHeaders: router?.suppressEnvoyHeaders ?? false,
    bufferLimit: host.proxy.bufferLimit,
  })
}
