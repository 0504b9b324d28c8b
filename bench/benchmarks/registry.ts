// Every benchmark, in the order of the help.
import type { Benchmark } from '../harness/benchmark.ts'
import { growth } from './growth.ts'
import { bodies, http1, mtls, routes, tlsIn, tlsOut } from './http1.ts'
import { grpc, grpcTls, http2, http2Tls } from './http2.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import { memory } from './memory.ts'
import { stalls } from './stalls.ts'

export const BENCHMARKS: readonly Benchmark[] = [
  http1,
  http2,
  grpc,
  http2Tls,
  grpcTls,
  tlsIn,
  tlsOut,
  mtls,
  routes,
  bodies,
  idle,
  latency,
  memory,
  stalls,
  growth,
]
