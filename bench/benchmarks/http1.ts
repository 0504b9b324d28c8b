// HTTP/1.1 by wrk: plaintext, TLS on either side, mutual TLS on both, many routes, bodies of every size.
import { startClientTls } from '../contestants/client-tls.ts'
import { type Hop, PLAIN_HTTP1, pathOf, routePrefix, type Scenario } from '../contestants/scenario.ts'
import { BODIES, KILOBYTE } from '../contestants/upstream.ts'
import type { Benchmark, RunOptions } from '../harness/benchmark.ts'
import { loadCores } from '../harness/cores.ts'
import type { FigureName } from '../harness/figures.ts'
import { type Started, underLoad } from '../harness/under-load.ts'
import type { LoadTarget } from '../load/load-result.ts'
import { probeHttp1 } from '../load/probe.ts'
import { wrk } from '../load/wrk.ts'
import { Stage } from './stage.ts'

const FIGURES: readonly FigureName[] = [
  'cpuMicrosecondsPerRequest',
  'requests',
  'requestsPerSecond',
  'p50',
  'p90',
  'p99',
  'residentMegabytes',
]
const LARGE_BODY = KILOBYTE ** 2
const LARGE_BODY_CONNECTIONS = 4
const SERVER_TLS: Hop = { protocol: 'http1', tls: 'server' }
const MUTUAL_TLS: Hop = { protocol: 'http1', tls: 'mutual' }

export const http1: Benchmark = {
  ...closedLoop('http1', 'HTTP/1.1, plaintext, 1 KB', [{ name: '', scenario: PLAIN_HTTP1 }]),
  defaults: { workers: [1, 2] },
}

export const tlsIn = closedLoop('tls-in', 'HTTP/1.1, TLS 1.3 terminated, 1 KB', [
  { name: '', scenario: { ...PLAIN_HTTP1, downstream: SERVER_TLS } },
])

export const tlsOut = closedLoop('tls-out', 'HTTP/1.1, TLS 1.3 originated, 1 KB', [
  { name: '', scenario: { ...PLAIN_HTTP1, upstream: SERVER_TLS } },
])

export const mtls = closedLoop('mtls', 'HTTP/1.1, mutual TLS 1.3 on both sides, 1 KB', [
  { name: '', scenario: { ...PLAIN_HTTP1, downstream: MUTUAL_TLS, upstream: MUTUAL_TLS } },
])

export const routes = closedLoop(
  'routes',
  'HTTP/1.1, the last of 10, 1 000 and 10 000 routes',
  [10, 1000, 10_000].map(count => ({ name: `${count} routes`, scenario: { ...PLAIN_HTTP1, routes: count } })),
)

export const bodies = closedLoop(
  'bodies',
  `HTTP/1.1, response bodies of 100 B to 10 MB (from 1 MB on over ${LARGE_BODY_CONNECTIONS} connections)`,
  Object.entries(BODIES).map(([body, length]) => ({
    name: body,
    scenario: PLAIN_HTTP1,
    path: `${routePrefix(0)}${body}`,
    length,
    // Else a round would end before the answers do.
    ...(length >= LARGE_BODY ? { connections: LARGE_BODY_CONNECTIONS } : {}),
  })),
)

interface Case {
  readonly name: string
  readonly scenario: Scenario
  readonly path?: string
  readonly length?: number
  readonly connections?: number
}

function closedLoop(name: string, summary: string, cases: readonly Case[]): Benchmark {
  return {
    name,
    summary,
    figures: FIGURES,
    compares: 'cpuMicrosecondsPerRequest',
    async prepare(options, release) {
      const stage = await Stage.open(options, release)
      const runs = cases.map(one =>
        stage.runs(one.scenario, one.name, (started, runRelease, workers) =>
          measure(started, one, options, workers, stage, runRelease),
        ),
      )
      return (await Promise.all(runs)).flat()
    },
  }
}

async function measure(
  { port, directory, process }: Started,
  { scenario, path = pathOf(scenario), length = KILOBYTE, connections }: Case,
  options: RunOptions,
  workers: number,
  stage: Stage,
  release: AsyncDisposableStack,
) {
  const { tls } = scenario.downstream
  // Of the load generators here, none has a certificate to show.
  const entrance = tls === 'mutual' ? await startClientTls(directory, 'http1', port, stage.tls, release) : port
  const target: LoadTarget = { scheme: tls === 'server' ? 'https' : 'http', port: entrance, path }
  await probeHttp1(target, length)
  return await underLoad([process], options, seconds =>
    wrk(target, { cores: loadCores(workers), connections: connections ?? options.connections, seconds }),
  )
}
