// How long a stream may take on a route, as Istio says it.
import { create } from '@bufbuild/protobuf'
import { type RouteAction, RouteActionSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { duration } from './durations.ts'

type RouteTimeouts = Pick<RouteAction, 'timeout' | 'maxStreamDuration'>

/** The deadline that a gRPC client sends along is kept, up to the route's own timeout; 0 is none. */
export function routeTimeouts(timeoutMs: number): RouteTimeouts {
  const timeout = duration(timeoutMs)
  const { maxStreamDuration } = create(RouteActionSchema, {
    maxStreamDuration: { maxStreamDuration: duration(0), grpcTimeoutHeaderMax: timeout },
  })
  return { timeout, maxStreamDuration: maxStreamDuration! }
}
