// How long a stream may take on a route, as Istio says it.
import { create } from '@bufbuild/protobuf'
import { type RouteAction, RouteActionSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { duration } from './durations.ts'

type RouteTimeouts = Pick<RouteAction, 'timeout' | 'maxStreamDuration'>

/** Without a timeout of its own a route takes the deadline that a gRPC client sends along, however long. */
export function routeTimeouts(timeoutMs: number): RouteTimeouts {
  const timeout = duration(timeoutMs)
  if (timeoutMs > 0) return { timeout }
  const { maxStreamDuration } = create(RouteActionSchema, {
    maxStreamDuration: { maxStreamDuration: duration(0), grpcTimeoutHeaderMax: duration(0) },
  })
  return { timeout, maxStreamDuration: maxStreamDuration! }
}
