// How long a stream may take on a route, as Istio says it.
import { create } from '@bufbuild/protobuf'
import { type RouteAction, RouteActionSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { duration } from './durations.ts'

type RouteTimeouts = Pick<RouteAction, 'timeout' | 'maxGrpcTimeout' | 'maxStreamDuration'>

/**
 * The deadline that a gRPC client sends along is kept, up to the route's own timeout; 0 is none. Beside
 * max_stream_duration Envoy has no ear for `timeout`: a route that has one says it in the older field, as Istio does.
 */
export function routeTimeouts(timeoutMs: number): Partial<RouteTimeouts> {
  const timeout = duration(timeoutMs)
  if (timeoutMs > 0) return { timeout, maxGrpcTimeout: timeout }
  const { maxStreamDuration } = create(RouteActionSchema, {
    maxStreamDuration: { maxStreamDuration: timeout, grpcTimeoutHeaderMax: timeout },
  })
  return { timeout, maxStreamDuration: maxStreamDuration! }
}
