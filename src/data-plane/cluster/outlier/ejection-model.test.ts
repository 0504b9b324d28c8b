// Whatever endpoints answer, whenever they come and go: never more of them are out than may be, an endpoint on probation is
// asked no more often than was said, and once all is well every one of them is back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { FakeClock } from '../../../base/clock.ts'
import { SeededRandom } from '../../../base/random.ts'
import { OutlierDetectionSchema } from '../../../xds/generated/envoy/config/cluster/v3/outlier_detection_pb.ts'
import { ResourceCheck } from '../../../xds/resource-check.ts'
import { createStats } from '../../stats/stats-store.ts'
import type { UpstreamTransport } from '../../upstream-transport.ts'
import { ClusterEndpoint } from '../cluster-endpoint.ts'
import { type OutlierConfig, readOutlierDetection } from './outlier-config.ts'
import { OutlierDetector } from './outlier-detector.ts'
import type { OutlierMonitor } from './outlier-monitor.ts'
import { outlierStats } from './outlier-stats.ts'

const TRANSPORT: UpstreamTransport = { name: 'raw_buffer', connect: () => assert.fail('not dialled here') }
const INTERVAL_MS = 1000

interface Settings {
  readonly percent: number
  readonly alwaysEjectsOne: boolean
  readonly probes: number
  readonly splits: boolean
}

function configOf({ percent, alwaysEjectsOne, probes, splits }: Settings): OutlierConfig {
  const message = create(OutlierDetectionSchema, {
    interval: { seconds: 1n },
    baseEjectionTime: { seconds: 2n },
    maxEjectionTime: { seconds: 9n },
    consecutive5xx: 2,
    consecutiveGatewayFailure: 1,
    enforcingConsecutiveGatewayFailure: 50,
    splitExternalLocalOriginErrors: splits,
    successRateMinimumHosts: 2,
    successRateRequestVolume: 2,
    failurePercentageThreshold: 60,
    enforcingFailurePercentage: 100,
    failurePercentageMinimumHosts: 2,
    failurePercentageRequestVolume: 2,
    maxEjectionPercent: percent,
    alwaysEjectOneHost: alwaysEjectsOne,
  })
  const check = new ResourceCheck('')
  const config = readOutlierDetection(message, probes, check)
  assert.deepEqual(check.problems, [])
  return config
}

type Outcome = 200 | 500 | 503 | 'failed' | 'abandoned'
type Command =
  | { readonly kind: 'request'; readonly to: number }
  | { readonly kind: 'end'; readonly which: number; readonly outcome: Outcome }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'join' }
  | { readonly kind: 'leave'; readonly which: number }

class Cluster {
  readonly clock = new FakeClock()
  readonly #settings: Settings
  readonly #stats = createStats()
  readonly #detector: OutlierDetector
  #endpoints: ClusterEndpoint[] = []
  #next = 1
  readonly #underWay: { readonly monitor: OutlierMonitor; readonly probe: boolean }[] = []

  constructor(settings: Settings, size: number, seed: number) {
    this.#settings = settings
    const host = { clock: this.clock, random: new SeededRandom(seed) }
    this.#detector = new OutlierDetector(
      configOf(settings),
      outlierStats(this.#stats.root, settings.probes > 0),
      host,
      () => {},
    )
    for (let i = 0; i < size; i++) this.#join()
  }

  run(command: Command): void {
    if (command.kind === 'wait') this.clock.advance(command.ms)
    else if (command.kind === 'join') this.#join()
    else if (command.kind === 'leave') this.#leave(command.which)
    else if (command.kind === 'request') this.#request(this.#endpoints[command.to % this.#endpoints.length])
    else this.#end(command.which, command.outcome)
  }

  #join(): void {
    this.#setEndpoints([...this.#endpoints, new ClusterEndpoint('10.0.0.1', this.#next++, 1, TRANSPORT)])
  }

  #leave(which: number): void {
    if (this.#endpoints.length > 1) this.#setEndpoints(this.#endpoints.toSpliced(which % this.#endpoints.length, 1))
  }

  #setEndpoints(endpoints: ClusterEndpoint[]): void {
    this.#endpoints = endpoints
    this.#detector.setEndpoints(endpoints)
  }

  /** As the picker and the router have it: to one that is not out, and on probation only as often as it admits. */
  #request(endpoint: ClusterEndpoint | undefined): void {
    const monitor = endpoint?.monitor as OutlierMonitor | null | undefined
    if (!endpoint?.usable || !monitor?.admits) return
    this.#underWay.push({ monitor, probe: monitor.begin() })
  }

  #end(which: number, outcome: Outcome): void {
    const [ended] = this.#underWay.splice(which % Math.max(1, this.#underWay.length), 1)
    if (!ended) return
    const { monitor, probe } = ended
    if (outcome === 'failed') monitor.failed(false, probe)
    else if (outcome === 'abandoned') monitor.abandoned(probe)
    else monitor.answered(outcome, probe)
  }

  check(): void {
    const { percent, alwaysEjectsOne, probes } = this.#settings
    const all = this.#endpoints
    const out = all.filter(({ ejection }) => ejection !== 'closed')
    const allowed = Math.max(Math.floor((all.length * percent) / 100), alwaysEjectsOne ? 1 : 0)
    assert.ok(out.length <= allowed, `${out.length} of ${all.length} are out`)
    if (percent < 100 && !(alwaysEjectsOne && all.length === 1)) assert.ok(out.length < all.length, 'all are out')
    assert.equal(this.#stats.value('outlier_detection.ejections_active'), out.length)
    for (const { monitor } of all) {
      const { probing, proven } = (monitor as OutlierMonitor).breaker
      assert.ok(probing + proven <= probes, `${probing} probes under way, ${proven} served, of ${probes}`)
    }
  }

  /** From now on everything is served. */
  settles(): void {
    while (this.#underWay.length > 0) this.#end(0, 200)
    for (let sweeps = 0; sweeps < 40; sweeps++) {
      this.clock.advance(INTERVAL_MS)
      for (const endpoint of this.#endpoints) {
        this.#request(endpoint)
        this.#end(0, 200)
      }
      this.check()
    }
    for (const { ejection } of this.#endpoints) assert.equal(ejection, 'closed')
    // Nobody is asked any more: the sweeps end, too.
    for (let sweeps = 0; sweeps < 40; sweeps++) this.clock.advance(INTERVAL_MS)
    assert.equal(this.clock.pendingTimers, 0)
  }
}

const outcome = fc.constantFrom<Outcome>(200, 200, 200, 500, 503, 'failed', 'abandoned')
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('request'), to: fc.nat(3) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('end'), which: fc.nat(9), outcome }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.nat(6000) }) },
  fc.record({ kind: fc.constant('join') }),
  fc.record({ kind: fc.constant('leave'), which: fc.nat(9) }),
)
const settings: fc.Arbitrary<Settings> = fc.record({
  percent: fc.constantFrom(0, 10, 34, 50, 99, 100),
  alwaysEjectsOne: fc.boolean(),
  probes: fc.constantFrom(0, 1, 3),
  splits: fc.boolean(),
})

test('the bound on ejections and on probes holds at every moment, and all are back in the end', () => {
  const size = fc.integer({ min: 1, max: 5 })
  const commands = fc.array(command, { minLength: 20, maxLength: 120 })
  fc.assert(
    fc.property(settings, size, fc.nat(1000), commands, (chosen, count, seed, steps) => {
      const cluster = new Cluster(chosen, count, seed)
      for (const step of steps) {
        cluster.run(step)
        cluster.check()
      }
      cluster.settles()
    }),
    { numRuns: 1000 },
  )
})
