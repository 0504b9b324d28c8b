// The router's config, compiled.

import { fromBinary } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../../../base/clock.ts'
import type { Parsed, Problem } from '../../../../base/problem.ts'
import type { ProblemCode } from '../../../../base/problem-table.ts'
import type { Random } from '../../../../base/random.ts'
import { TimerWheel } from '../../../../base/timer-wheel.ts'
import {
  type Router,
  RouterSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/router/v3/router_pb.ts'
import type { ClusterSource } from '../../../cluster/cluster.ts'
import type { HttpFilterHost } from '../contract/http-filter-factory.ts'
import { type RouterStats, routerStats } from './router-stats.ts'

export interface RouterConfig {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly random: Random
  readonly clusters: ClusterSource
  readonly stats: RouterStats
  /** No x-envoy-* fields of the router's own. */
  readonly suppressEnvoyHeaders: boolean
  /** Body bytes that may wait for a connection or a retry. */
  readonly bufferLimit: number
}

/** Envoy's per_connection_buffer_limit_bytes. */
const BUFFER_LIMIT = 1024 * 1024

export function compileRouter(typedConfig: Any, path: string, host: HttpFilterHost): Parsed<RouterConfig> {
  let router: Router
  try {
    router = fromBinary(RouterSchema, typedConfig.value)
  } catch {
    return { ok: false, problems: [problem('WEFT-4102', path, 'cannot be decoded')] }
  }
  const problems = unsupportedFields(router).map(field => problem('WEFT-4001', `${path}.${field}`, 'not supported yet'))
  if (problems.length > 0) return { ok: false, problems }
  return {
    ok: true,
    value: {
      clock: host.proxy.clock,
      wheel: TimerWheel.of(host.proxy.clock),
      random: host.proxy.random,
      clusters: host.proxy.clusters,
      stats: routerStats(host.connectionManagerStats),
      suppressEnvoyHeaders: router.suppressEnvoyHeaders,
      bufferLimit: BUFFER_LIMIT,
    },
  }
}

/** `dynamic_stats` and the gRPC switch ask for no more or fewer counters than there are; the rest would change traffic. */
function unsupportedFields(router: Router): string[] {
  const fields: string[] = []
  if (router.startChildSpan) fields.push('start_child_span')
  if (router.upstreamLog.length > 0) fields.push('upstream_log')
  if (router.upstreamLogOptions) fields.push('upstream_log_options')
  if (router.strictCheckHeaders.length > 0) fields.push('strict_check_headers')
  if (router.respectExpectedRqTimeout) fields.push('respect_expected_rq_timeout')
  if (router.upstreamHttpFilters.length > 0) fields.push('upstream_http_filters')
  return fields
}

function problem(code: ProblemCode, path: string, message: string): Problem {
  return { code, severity: 'error', path, message }
}
