// HTTP/2 by h2load, both sides, and gRPC's form of it: a message each way, and trailers.
import { startClientTls } from '../contestants/client-tls.ts'
import { type Hop, pathOf, routePrefix, type Scenario } from '../contestants/scenario.ts'
import { grpcMessage, KILOBYTE } from '../contestants/upstream.ts'
import type { Benchmark, RunOptions } from '../harness/benchmark.ts'
import { loadCores } from '../harness/cores.ts'
import { type Started, underLoad } from '../harness/under-load.ts'
import { h2load } from '../load/h2load.ts'
import type { LoadTarget } from '../load/load-result.ts'
import { probeHttp2 } from '../load/probe.ts'
import { Stage } from './stage.ts'

/** At a time, on each connection. */
const STREAMS = 4
const PLAIN: Hop = { protocol: 'http2', tls: 'none' }
const SERVER_TLS: Hop = { protocol: 'http2', tls: 'server' }
const MUTUAL_TLS: Hop = { protocol: 'http2', tls: 'mutual' }

const PLAINTEXT: readonly Case[] = [{ name: '', downstream: PLAIN, upstream: PLAIN }]
const SECURED: readonly Case[] = [
  { name: 'TLS in', downstream: SERVER_TLS, upstream: PLAIN },
  { name: 'TLS out', downstream: PLAIN, upstream: SERVER_TLS },
  { name: 'mutual TLS', downstream: MUTUAL_TLS, upstream: MUTUAL_TLS },
]

interface Case {
  readonly name: string
  readonly downstream: Hop
  readonly upstream: Hop
}

export const http2: Benchmark = {
  ...overHttp2('http2', `HTTP/2 on both sides, plaintext, ${STREAMS} streams a connection, 1 KB`, 'plain', PLAINTEXT),
  defaults: { workers: [1, 2] },
}
export const grpc: Benchmark = {
  ...overHttp2('grpc', `unary gRPC, plaintext, ${STREAMS} calls a connection, 1 KB each way`, 'grpc', PLAINTEXT),
  defaults: { workers: [1, 2] },
}
export const http2Tls = overHttp2('http2-tls', 'HTTP/2 with TLS 1.3 in, out, mutual on both sides', 'plain', SECURED)
export const grpcTls = overHttp2('grpc-tls', 'unary gRPC with TLS 1.3 in, out, mutual on both sides', 'grpc', SECURED)

function overHttp2(name: string, summary: string, kind: 'plain' | 'grpc', cases: readonly Case[]): Benchmark {
  return {
    name,
    summary,
    figures: ['cpuMicrosecondsPerRequest', 'requests', 'requestsPerSecond', 'p50', 'p90', 'p99', 'residentMegabytes'],
    compares: 'cpuMicrosecondsPerRequest',
    async prepare(options, release) {
      const stage = await Stage.open(options, release)
      const runs = cases.map(one => {
        const scenario = { ...one, routes: 1 }
        return stage.runs(scenario, one.name, (started, runRelease, workers) =>
          measure(started, scenario, kind, options, workers, stage, runRelease),
        )
      })
      return (await Promise.all(runs)).flat()
    },
  }
}

async function measure(
  { port, directory, process }: Started,
  scenario: Scenario,
  kind: 'plain' | 'grpc',
  options: RunOptions,
  workers: number,
  stage: Stage,
  release: AsyncDisposableStack,
) {
  const { tls } = scenario.downstream
  // h2load has no certificate to show.
  const entrance = tls === 'mutual' ? await startClientTls(directory, 'http2', port, stage.tls, release) : port
  const path = kind === 'grpc' ? `${routePrefix(0)}grpc` : pathOf(scenario)
  const target: LoadTarget = { scheme: tls === 'server' ? 'https' : 'http', port: entrance, path }
  await probeHttp2(target, kind)
  return await underLoad([process], options, seconds =>
    h2load(target, {
      cores: loadCores(workers),
      connections: options.connections,
      streams: STREAMS,
      seconds,
      ...(kind === 'grpc' ? { grpcMessage: grpcMessage(KILOBYTE) } : {}),
    }),
  )
}
