// The breakers of a small cluster, through every state that they can get into: what they promise holds in each.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { OutlierDetectionSchema } from '../../../xds/generated/envoy/config/cluster/v3/outlier_detection_pb.ts'
import { ResourceCheck } from '../../../xds/resource-check.ts'
import { admits, type BreakerState, CLOSED, condemn, EVENT, type Step, step } from './breaker.ts'
import { type OutlierConfig, readOutlierDetection } from './outlier-config.ts'

function config(init: MessageInitShape<typeof OutlierDetectionSchema>, probes = 0): OutlierConfig {
  const check = new ResourceCheck('')
  const compiled = readOutlierDetection(create(OutlierDetectionSchema, init), probes, check)
  assert.deepEqual(check.problems, [])
  return compiled
}

const SWEEP_MS = 1000
/** Ejections of one, two and three sweeps. */
const TIMES = { interval: { seconds: 1n }, baseEjectionTime: { seconds: 1n }, maxEjectionTime: { seconds: 3n } }
const MAX_SWEEPS = 3

type Hosts = readonly BreakerState[]

const outOf = (hosts: Hosts): number => hosts.filter(({ phase }) => phase !== 'closed').length

/** No counter of the models has a limit above. Beyond its limit a counter only runs on. */
const BEYOND = 3

/** All that a step looks at: counters of one that is out are not among it, nor is age beyond the longest ejection. */
function normal(state: BreakerState, now: number): BreakerState {
  const age = Math.min(now - state.since, (MAX_SWEEPS + 1) * SWEEP_MS)
  const isClosed = state.phase === 'closed'
  const capped = (counter: number): number => (isClosed ? Math.min(counter, BEYOND) : 0)
  const serverErrors = capped(state.serverErrors)
  const gatewayErrors = capped(state.gatewayErrors)
  const localFailures = capped(state.localFailures)
  return { ...state, serverErrors, gatewayErrors, localFailures, since: isClosed ? 0 : -age }
}

function one(config: OutlierConfig, hosts: Hosts, index: number, event: number, chance: number, now = 0): Hosts {
  const around = { hosts: hosts.length, ejected: outOf(hosts), chance, jitter: 0 }
  return hosts.with(index, step(config, hosts[index]!, event, around, now).state)
}

function sweep(config: OutlierConfig, hosts: Hosts): Hosts {
  const later = hosts.map((_, index) => index).reduce((all, i) => one(config, all, i, EVENT.sweep, 0, SWEEP_MS), hosts)
  return later.map(state => normal(state, SWEEP_MS))
}

function successors(config: OutlierConfig, hosts: Hosts): Hosts[] {
  const found = [sweep(config, hosts)]
  for (const [index, host] of hosts.entries()) {
    const events = [200, 500, 503, EVENT.connected, EVENT.localFailure]
    if (host.phase === 'half-open') {
      if (admits(config, host)) events.push(EVENT.probeStarted)
      if (host.probing > 0) events.push(EVENT.probeServed, EVENT.probeFailed, EVENT.probeAbandoned)
    }
    for (const event of events)
      for (const chance of [0, 0.999])
        found.push(one(config, hosts, index, event, chance).map(state => normal(state, 0)))
    const around = { hosts: hosts.length, ejected: outOf(hosts), chance: 0, jitter: 0 }
    found.push(hosts.with(index, normal(condemn(config, host, 'success_rate', around, 0).state, 0)))
  }
  return found
}

/** Hosts are alike: their order does not matter. */
function keyOf(hosts: Hosts): string {
  return hosts
    .map(state => Object.values(state).join(','))
    .sort()
    .join(';')
}

function everyState(config: OutlierConfig, size: number): Hosts[] {
  const start: Hosts = Array.from({ length: size }, () => CLOSED)
  const seen = new Set([keyOf(start)])
  const states = [start]
  for (const state of states) {
    for (const next of successors(config, state)) {
      const key = keyOf(next)
      if (seen.has(key)) continue
      seen.add(key)
      states.push(next)
    }
  }
  return states
}

interface Model {
  readonly size: number
  readonly maxEjectionPercent: number
  readonly alwaysEjectOneHost?: boolean
  readonly probes?: number
  readonly consecutive5xx?: number
  readonly consecutiveGatewayFailure?: number
}

const MODELS: readonly Model[] = [
  { size: 1, maxEjectionPercent: 10 },
  { size: 1, maxEjectionPercent: 10, alwaysEjectOneHost: true },
  { size: 2, maxEjectionPercent: 50, consecutiveGatewayFailure: 1 },
  { size: 2, maxEjectionPercent: 49 },
  { size: 3, maxEjectionPercent: 34 },
  { size: 3, maxEjectionPercent: 10, alwaysEjectOneHost: true },
  { size: 3, maxEjectionPercent: 67, consecutiveGatewayFailure: 1 },
  { size: 3, maxEjectionPercent: 100 },
  { size: 1, maxEjectionPercent: 100, probes: 3 },
  { size: 2, maxEjectionPercent: 50, probes: 2 },
  { size: 2, maxEjectionPercent: 100, probes: 1, consecutive5xx: 1 },
  { size: 3, maxEjectionPercent: 67, probes: 1, consecutive5xx: 1 },
]

for (const model of MODELS) {
  const { size, maxEjectionPercent, alwaysEjectOneHost = false, probes = 0 } = model
  test(`every state of ${JSON.stringify(model)}`, () => {
    const compiled = config(
      {
        ...TIMES,
        maxEjectionPercent,
        alwaysEjectOneHost,
        consecutive5xx: model.consecutive5xx ?? 2,
        consecutiveGatewayFailure: model.consecutiveGatewayFailure ?? 0,
        enforcingConsecutiveGatewayFailure: 50,
        consecutiveLocalOriginFailure: 1,
        enforcingConsecutiveLocalOriginFailure: 50,
      },
      probes,
    )
    const allowed = Math.max(Math.floor((size * maxEjectionPercent) / 100), alwaysEjectOneHost ? 1 : 0)
    const states = everyState(compiled, size)
    assert.ok(
      states.some(hosts => outOf(hosts) === allowed),
      'as many as may be are ejected at some time',
    )
    for (const hosts of states) {
      assert.ok(outOf(hosts) <= allowed, `more are out than may be: ${keyOf(hosts)}`)
      for (const host of hosts) assert.ok(host.probing + host.proven <= probes, `too many probes: ${keyOf(hosts)}`)
      assert.ok(returns(compiled, hosts), `never back: ${keyOf(hosts)}`)
    }
  })
}

/** Whatever state it is in: after the longest ejection, and its probes served, every endpoint is back. */
function returns(config: OutlierConfig, hosts: Hosts): boolean {
  let later = hosts
  for (let sweeps = 0; sweeps <= MAX_SWEEPS; sweeps++) later = sweep(config, later)
  for (let index = 0; index < later.length; index++) {
    while (later[index]!.phase === 'half-open' && admits(config, later[index]!)) {
      later = one(config, later, index, EVENT.probeStarted, 0)
      later = one(config, later, index, EVENT.probeServed, 0)
    }
  }
  return outOf(later) === 0
}

function run(config: OutlierConfig, events: readonly (number | readonly [event: number, now: number])[]): Step {
  const around = { hosts: 1, ejected: 0, chance: 0, jitter: 0.5 }
  return events.reduce<Step>(
    ({ state }, event) => {
      const [what, now] = typeof event === 'number' ? [event, 0] : event
      return step(config, state, what, around, now)
    },
    { state: CLOSED, verdicts: [] },
  )
}

test('errors count in a row, gateway errors apart', () => {
  const detection = config({ consecutive5xx: 3, consecutiveGatewayFailure: 2, maxEjectionPercent: 100 })
  assert.deepEqual(run(detection, [500, 500, 200, 500, 500]).verdicts, [])
  assert.deepEqual(run(detection, [500, 500, 404, 500, 500, 500]).verdicts, [
    { cause: 'consecutive_5xx', outcome: 'enforced' },
  ])
  // Not enforced unless asked for: found, and spared.
  assert.deepEqual(run(detection, [500, 502, 504]).verdicts, [
    { cause: 'consecutive_gateway_failure', outcome: 'spared' },
    { cause: 'consecutive_5xx', outcome: 'enforced' },
  ])
  assert.deepEqual(run(detection, [502, 500, 503]).verdicts, [{ cause: 'consecutive_5xx', outcome: 'enforced' }])
})

test('each ejection lasts longer, up to the maximum, with jitter on top; serving well wears it off', () => {
  const detection = config({
    consecutive5xx: 1,
    baseEjectionTime: { seconds: 2n },
    maxEjectionTime: { seconds: 5n },
    maxEjectionTimeJitter: { nanos: 9_000_000 },
    maxEjectionPercent: 100,
  })
  const times: number[] = []
  let state = CLOSED
  let now = 0
  for (let round = 0; round < 5; round++) {
    const around = { hosts: 1, ejected: 0, chance: 0, jitter: 0.5 }
    state = step(detection, state, 503, around, now).state
    const since = now
    while (state.phase === 'open') state = step(detection, state, EVENT.sweep, around, ++now).state
    times.push(now - since)
  }
  assert.deepEqual(times, [2005, 4005, 5005, 5005, 5005])
  for (let sweeps = 0; sweeps < 3; sweeps++)
    state = step(detection, state, EVENT.sweep, { hosts: 1, ejected: 0, chance: 0, jitter: 0 }, now).state
  assert.equal(state.backoff, 1)
})

test('an endpoint on probation is back after its probes, or out again at the first that fails', () => {
  const detection = config({ consecutive5xx: 1, baseEjectionTime: { seconds: 1n }, maxEjectionPercent: 100 }, 2)
  const probation = [503, [EVENT.sweep, 1000]] as const
  const { probeStarted, probeServed, probeFailed, probeAbandoned } = EVENT
  assert.equal(run(detection, probation).state.phase, 'half-open')
  assert.equal(run(detection, [...probation, probeStarted, probeStarted, probeServed]).state.phase, 'half-open')
  assert.equal(
    run(detection, [...probation, probeStarted, probeStarted, probeServed, probeServed]).state.phase,
    'closed',
  )
  const again = run(detection, [...probation, probeStarted, probeServed, probeStarted, [probeFailed, 1500]])
  assert.deepEqual([again.state.phase, again.state.since, again.state.backoff], ['open', 1500, 2])
  const given = run(detection, [...probation, probeStarted, probeStarted, probeAbandoned]).state
  assert.equal(admits(detection, given), true)
})

test('probes that hang do not keep it on probation for ever', () => {
  const detection = config({ consecutive5xx: 1, baseEjectionTime: { seconds: 1n }, maxEjectionPercent: 100 }, 1)
  const hung = [503, [EVENT.sweep, 1000], [EVENT.probeStarted, 1000]] as const
  assert.equal(admits(detection, run(detection, [...hung, [EVENT.sweep, 1999]]).state), false)
  assert.equal(admits(detection, run(detection, [...hung, [EVENT.sweep, 2000]]).state), true)
})
