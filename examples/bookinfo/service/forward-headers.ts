// The headers that a service hands on with the calls it makes for a request. A proxy sees single calls; only the
// application knows which of them belong together (https://istio.io, "Trace context propagation").
import type { IncomingHttpHeaders } from 'node:http'

export const FORWARDED_HEADERS: readonly string[] = [
  'x-request-id',
  // W3C Trace Context and Baggage
  'traceparent',
  'tracestate',
  'baggage',
  // Zipkin, in both its forms
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
  // Lightstep, Datadog, Google Cloud, OpenCensus, SkyWalking
  'x-ot-span-context',
  'x-datadog-trace-id',
  'x-datadog-parent-id',
  'x-datadog-sampling-priority',
  'x-cloud-trace-context',
  'grpc-trace-bin',
  'sw8',
  // Of this application and of the session, for routing by them
  'end-user',
  'user-agent',
  'cookie',
  'authorization',
  'jwt',
]

export function forwardHeaders(incoming: IncomingHttpHeaders): Record<string, string> {
  const forwarded: Record<string, string> = {}
  for (const name of FORWARDED_HEADERS) {
    const value = incoming[name]
    if (value !== undefined) forwarded[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return forwarded
}
