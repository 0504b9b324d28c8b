// What the benchmarks of single proxies have in common: certificates, upstreams, and which contestants take part.
import type { Contestant } from '../contestants/contestant.ts'
import { envoy } from '../contestants/envoy.ts'
import { haproxy } from '../contestants/haproxy.ts'
import { nginx } from '../contestants/nginx.ts'
import type { Scenario } from '../contestants/scenario.ts'
import { createTlsFiles, type TlsFiles } from '../contestants/tls-files.ts'
import { startUpstream, type Upstream } from '../contestants/upstream.ts'
import { weft } from '../contestants/weft.ts'
import type { Measured, Run, RunOptions } from '../harness/benchmark.ts'
import { type Started, startContestant, temporaryFolder } from '../harness/under-load.ts'

export const CONTESTANTS: readonly Contestant[] = [weft, envoy, nginx, haproxy]

export class Stage {
  readonly #options: RunOptions
  readonly #release: AsyncDisposableStack
  readonly #upstreams = new Map<string, Promise<Upstream>>()
  readonly tls: TlsFiles
  readonly directory: string

  private constructor(options: RunOptions, release: AsyncDisposableStack, directory: string, tls: TlsFiles) {
    this.#options = options
    this.#release = release
    this.directory = directory
    this.tls = tls
  }

  static async open(options: RunOptions, release: AsyncDisposableStack): Promise<Stage> {
    const directory = temporaryFolder('stage', release)
    return new Stage(options, release, directory, await createTlsFiles(directory))
  }

  /** One for all that ask for its like. */
  async upstreamPort({ upstream }: Scenario): Promise<number> {
    const key = `${upstream.protocol} ${upstream.tls}`
    let started = this.#upstreams.get(key)
    if (started === undefined) {
      started = startUpstream(this.directory, upstream, this.tls, this.#release)
      this.#upstreams.set(key, started)
    }
    return (await started).port
  }

  /** A run of each contestant that can, with each number of workers; those that cannot are named once. */
  async runs(
    scenario: Scenario,
    name: string,
    measure: (started: Started, release: AsyncDisposableStack, workers: number) => Promise<Measured>,
    contestants: readonly Contestant[] = CONTESTANTS,
  ): Promise<Run[]> {
    const { only, say, workers: counts } = this.#options
    const upstreamPort = await this.upstreamPort(scenario)
    const runs: Run[] = []
    for (const workers of counts) {
      for (const contestant of contestants) {
        if (only.length > 0 && !only.includes(contestant.name)) continue
        const why = contestant.missing(scenario, workers)
        if (why !== undefined) {
          say(`without ${contestant.name}: ${why}`)
          continue
        }
        const label = counts.length > 1 ? `${workers} worker${workers > 1 ? 's' : ''}` : ''
        runs.push({
          contestant: contestant.name,
          case: [name, label].filter(Boolean).join(', '),
          measure: async () => {
            await using release = new AsyncDisposableStack()
            const options = { scenario, upstreamPort, tls: this.tls, workers }
            return await measure(await startContestant(contestant, options, release), release, workers)
          },
        })
      }
    }
    return runs
  }
}
