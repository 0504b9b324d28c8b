// What a mesh adds: a steady 1 000 requests a second straight to the upstream, and through two sidecars with mutual TLS.
import type { Contestant } from '../contestants/contestant.ts'
import { envoy } from '../contestants/envoy.ts'
import { type Hop, PLAIN_HTTP1, pathOf, type Scenario } from '../contestants/scenario.ts'
import { KILOBYTE } from '../contestants/upstream.ts'
import { weft } from '../contestants/weft.ts'
import type { Benchmark, Run } from '../harness/benchmark.ts'
import { loadCores } from '../harness/cores.ts'
import { startContestant, underLoad } from '../harness/under-load.ts'
import { fortio } from '../load/fortio.ts'
import type { LoadTarget } from '../load/load-result.ts'
import { probeHttp1 } from '../load/probe.ts'
import { Stage } from './stage.ts'

const REQUESTS_PER_SECOND = 1000
const MUTUAL_TLS: Hop = { protocol: 'http1', tls: 'mutual' }
const CLIENT_SIDE: Scenario = { ...PLAIN_HTTP1, upstream: MUTUAL_TLS }
const SERVER_SIDE: Scenario = { ...PLAIN_HTTP1, downstream: MUTUAL_TLS }
const path = pathOf(PLAIN_HTTP1)

export const latency: Benchmark = {
  name: 'latency',
  summary: `${REQUESTS_PER_SECOND} requests/s through two sidecars with mutual TLS, and through none`,
  figures: ['p50', 'p90', 'p99', 'max', 'requestsPerSecond', 'cpuMicrosecondsPerRequest', 'residentMegabytes'],
  compares: 'p99',
  defaults: { seconds: 20 },
  async prepare(options, release) {
    const { connections, only, say } = options
    const stage = await Stage.open(options, release)
    const upstreamPort = await stage.upstreamPort(PLAIN_HTTP1)
    const load = async (port: number, seconds: number) => {
      const target: LoadTarget = { scheme: 'http', port, path }
      return await fortio(target, { cores: loadCores(1), connections, seconds, requestsPerSecond: REQUESTS_PER_SECOND })
    }
    const none: Run = {
      contestant: 'none',
      case: '',
      measure: async () => {
        const {
          cpuMicrosecondsPerRequest: _,
          residentMegabytes: __,
          ...figures
        } = await underLoad([], options, seconds => load(upstreamPort, seconds))
        return figures
      },
    }
    const pair = (contestant: Contestant): Run => ({
      contestant: contestant.name,
      case: '',
      measure: async () => {
        await using ending = new AsyncDisposableStack()
        const common = { tls: stage.tls, workers: 1 }
        const server = await startContestant(contestant, { ...common, scenario: SERVER_SIDE, upstreamPort }, ending)
        const between = { ...common, scenario: CLIENT_SIDE, upstreamPort: server.port }
        const client = await startContestant(contestant, between, ending)
        await probeHttp1({ scheme: 'http', port: client.port, path }, KILOBYTE)
        return await underLoad([client.process, server.process], options, seconds => load(client.port, seconds))
      },
    })
    const pairs = [weft, envoy].filter(contestant => {
      if (only.length > 0 && !only.includes(contestant.name)) return false
      const why = contestant.missing(CLIENT_SIDE, 1)
      if (why !== undefined) say(`without ${contestant.name}: ${why}`)
      return why === undefined
    })
    return [...pairs.map(pair), none]
  },
}
