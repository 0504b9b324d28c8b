// HTTP/2 by h2load, both sides, and gRPC's form of it: a message each way, and trailers.
import { type Hop, pathOf, routePrefix, type Scenario } from '../contestants/scenario.ts'
import { grpcMessage, KILOBYTE } from '../contestants/upstream.ts'
import type { Benchmark } from '../harness/benchmark.ts'
import { loadCores } from '../harness/cores.ts'
import { underLoad } from '../harness/under-load.ts'
import { h2load } from '../load/h2load.ts'
import { probeHttp2 } from '../load/probe.ts'
import { Stage } from './stage.ts'

/** At a time, on each connection. */
const STREAMS = 4
const PLAIN_HTTP2: Hop = { protocol: 'http2', tls: 'none' }
const SCENARIO: Scenario = { downstream: PLAIN_HTTP2, upstream: PLAIN_HTTP2, routes: 1 }

export const http2 = overHttp2(
  'http2',
  `HTTP/2 on both sides, plaintext, ${STREAMS} streams a connection, 1 KB`,
  'plain',
)
export const grpc = overHttp2('grpc', `unary gRPC, plaintext, ${STREAMS} calls a connection, 1 KB each way`, 'grpc')

function overHttp2(name: string, summary: string, kind: 'plain' | 'grpc'): Benchmark {
  const path = kind === 'grpc' ? `${routePrefix(0)}grpc` : pathOf(SCENARIO)
  return {
    name,
    summary,
    figures: ['cpuMicrosecondsPerRequest', 'requests', 'requestsPerSecond', 'p50', 'p90', 'p99', 'residentMegabytes'],
    compares: 'cpuMicrosecondsPerRequest',
    defaults: { workers: [1, 2] },
    async prepare(options, release) {
      const { connections } = options
      const stage = await Stage.open(options, release)
      return await stage.runs(SCENARIO, '', async ({ port, process }, _, workers) => {
        const target = { scheme: 'http', port, path } as const
        await probeHttp2(target, kind)
        return await underLoad([process], options, seconds =>
          h2load(target, {
            cores: loadCores(workers),
            connections,
            streams: STREAMS,
            seconds,
            ...(kind === 'grpc' ? { grpcMessage: grpcMessage(KILOBYTE) } : {}),
          }),
        )
      })
    },
  }
}
