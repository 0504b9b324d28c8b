// Rollouts of a config, at work: against reports made up here, and over restarts, edits and rollbacks of the config.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { FakeClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import { DEFAULT_MESH_CONFIG } from '../../model/mesh-config.ts'
import type { Workload } from '../../model/workload.ts'
import { WORKLOAD } from '../../model/workload-fixture.ts'
import { link } from '../../translate/link/link.ts'
import { ClusterStatsSchema } from '../../xds/generated/envoy/config/endpoint/v3/load_report_pb.ts'
import type { LoadStatsResponse } from '../../xds/generated/envoy/service/load_stats/v3/lrs_pb.ts'
import { type LoadReporter, LoadReports } from '../load/load-reports.ts'
import { Metrics } from '../status/metrics.ts'
import { ConfigEditor } from '../store/config-editor.ts'
import { ConfigStore } from '../store/config-store.ts'
import { openDatabase } from '../store/database.ts'
import { RolloutStore } from './rollout-store.ts'
import { Rollouts } from './rollouts.ts'

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: reviews }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }, { name: http-b, port: 9081 }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec: { host: reviews, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
`
const rollout = (version = '1', name = 'r'): string => `apiVersion: weft.dev/v1alpha1
kind: Rollout
metadata: { name: ${name} }
spec:
  host: reviews
  stable: v1
  canary: v2
  version: "${version}"
  steps: [{ weight: 10, hold: 20s }, { weight: 50, hold: 10s }]
  interval: 10s
  thresholds: { minRequests: 10, successRate: 90 }
`
const cluster = (subset: string, port = 9080): string => `outbound|${port}|${subset}|reviews.default.svc.cluster.local`

const HIDDEN = 'metadata: { name: reviews, annotations: { networking.istio.io/exportTo: "." } }'
const CANARY: Workload = {
  ...WORKLOAD,
  name: 'reviews-v2',
  labels: { app: 'reviews', version: 'v2' },
  serviceAccount: 'reviews',
}

type Figures = Record<'succeeded' | 'failed' | 'dropped' | 'issued' | 'active', number>

const reporter = (serviceAccount: string, namespace = 'default'): LoadReporter => ({
  identity: `spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`,
  namespace,
  ask: () => {},
})

class Stage {
  readonly clock = new FakeClock()
  readonly database = openDatabase(':memory:')
  readonly lines: string[] = []
  readonly asked: LoadStatsResponse[] = []
  readonly caller: LoadReporter = { ...reporter('gateway'), ask: response => this.asked.push(response) }
  readonly #connected = new Set<LoadReporter>([this.caller])
  loads!: LoadReports
  rollouts!: Rollouts
  editor!: ConfigEditor
  pushes = 0
  ready = true

  constructor(text = SERVICE + rollout()) {
    this.start()
    this.apply(text)
  }

  /** As after the end of the process, too. */
  start(): void {
    const log = createLog('test', 'info', this.clock, line => this.lines.push(line))
    this.loads = new LoadReports()
    this.loads.connect(this.caller)
    const { clock, database, loads } = this
    this.rollouts = new Rollouts({ clock, log, metrics: new Metrics(), store: new RolloutStore(database), loads })
    this.editor = new ConfigEditor(new ConfigStore(database, clock), () => [], log)
    this.rollouts.take(this.editor.objects)
    this.editor.onChange(() => this.rollouts.take(this.editor.objects))
    this.rollouts.start({ mesh: () => this.#mesh(), onChange: () => this.pushes++ })
    this.clock.advance(0)
  }

  restart(): void {
    this.rollouts.close()
    this.start()
  }

  apply(text: string): void {
    const outcome = this.editor.apply({ documents: [{ file: 'a.yaml', text }], namespace: 'default', dryRun: false })
    assert.deepEqual(outcome.problems, [])
    this.clock.advance(0)
  }

  delete(name = 'r'): void {
    this.editor.delete([{ kind: 'Rollout', namespace: 'default', name }])
  }

  /** What proxies say of ten seconds. */
  interval(requests: number, failed = 0): string {
    this.report(this.caller, { succeeded: requests - failed, failed })
    this.report(this.caller, { failed: 500 }, 'v1')
    this.clock.advance(10_000)
    return this.state
  }

  report(
    from: LoadReporter,
    { succeeded = 0, failed = 0, dropped = 0, issued = succeeded + failed, active = 0 }: Partial<Figures>,
    subset = 'v2',
    workload: Workload | null = null,
  ): void {
    if (!this.#connected.has(from)) this.loads.connect(from)
    this.#connected.add(from)
    const locality = {
      totalSuccessfulRequests: BigInt(succeeded),
      totalErrorRequests: BigInt(failed),
      totalIssuedRequests: BigInt(issued),
      totalRequestsInProgress: BigInt(active),
    }
    const stats = { clusterName: cluster(subset), upstreamLocalityStats: [locality] }
    const totalDroppedRequests = BigInt(dropped)
    this.loads.report(from, workload, [create(ClusterStatsSchema, { ...stats, totalDroppedRequests })])
  }

  get reason(): string {
    return this.rollouts.all()[0]!.state.reason
  }

  get state(): string {
    return this.rollouts
      .all()
      .map(run => `${run.state.phase} ${run.weight}`)
      .join(', ')
  }

  get turns(): readonly string[] {
    return this.rollouts.all()[0]?.progress.events.map(({ phase, weight }) => `${phase} ${weight}`) ?? []
  }

  #mesh() {
    const port = { name: 'http', number: 9080, applicationPort: 9080, inboundPort: 9080 }
    const workload: Workload = { ...CANARY, ports: [port], healthy: this.ready }
    const canaryWeights = this.rollouts.weights
    const objects = this.editor.objects
    return link({ objects, services: [], workloads: [workload], meshConfig: DEFAULT_MESH_CONFIG, canaryWeights })
  }
}

test('goes up with what is reported of its canary, and tells of each turn', () => {
  const stage = new Stage()
  assert.equal(stage.state, 'progressing 10')
  assert.deepEqual(stage.asked.at(-1)?.clusters, [
    cluster('v1'),
    cluster('v1', 9081),
    cluster('v2'),
    cluster('v2', 9081),
  ])
  assert.equal(stage.asked.at(-1)?.loadReportingInterval?.seconds, 5n)
  assert.equal(stage.interval(100, 5), 'progressing 10')
  assert.equal(stage.interval(100, 5), 'progressing 50')
  assert.equal(stage.interval(0), 'progressing 50')
  assert.equal(stage.interval(100, 5), 'promoted 100')
  assert.equal(stage.pushes, 3)
  assert.deepEqual(stage.asked.at(-1)?.clusters, [], 'nothing is asked for any more')
  assert.equal(stage.interval(100, 100), 'promoted 100')
  assert.equal(stage.lines.filter(line => line.includes('rollout moved')).length, 3)
  assert.match(stage.lines.at(-1)!, /promoted.*canaryWeight=100.*5 of 100 requests failed/)
})

test('goes back alone, and stays back until its spec is another', () => {
  const stage = new Stage()
  assert.equal(stage.interval(100, 30), 'rolled-back 0')
  stage.interval(100)
  stage.restart()
  assert.equal(stage.interval(100), 'rolled-back 0')
  stage.apply(`# In other words.\n${rollout().replaceAll('"1"', "'1'")}`)
  assert.equal(stage.state, 'rolled-back 0')
  stage.apply(rollout('2'))
  assert.equal(stage.state, 'progressing 10')
  assert.deepEqual(stage.turns, ['progressing 10'])
})

test('waits for its canary', () => {
  const stage = new Stage(SERVICE)
  stage.ready = false
  stage.apply(rollout())
  assert.equal(stage.state, 'waiting 0')
  assert.equal(stage.rollouts.all()[0]!.state.reason, 'no endpoint of the subset "v2" is ready')
  stage.ready = true
  stage.clock.advance(1000)
  assert.equal(stage.state, 'progressing 10')
  stage.ready = false
  assert.equal(stage.interval(100), 'progressing 10', 'it may be back at the next look')
  assert.equal(stage.interval(100), 'rolled-back 0')
})

test('a canary that is not back after a restart as soon as its control plane is waited for', () => {
  const stage = new Stage()
  stage.interval(100)
  stage.interval(100)
  stage.ready = false
  stage.restart()
  assert.equal(stage.state, 'progressing 50')
  assert.equal(stage.interval(100, 100), 'waiting 0')
  stage.restart()
  stage.clock.advance(60_000)
  assert.equal(stage.state, 'waiting 0')
  stage.ready = true
  stage.clock.advance(1000)
  assert.equal(stage.state, 'progressing 10')
})

test('a host that another namespace defines too is nobody’s to decide about, for as long as it does', () => {
  const stage = new Stage()
  stage.interval(100)
  stage.apply(`apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: squatter, namespace: elsewhere }
spec:
  hosts: [reviews.default.svc.cluster.local]
  ports: [{ number: 9080, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1 }]
`)
  for (let i = 0; i < 5; i++) stage.interval(100)
  assert.equal(stage.state, 'progressing 10')
  assert.match(stage.reason, /not for this Rollout to decide/)
  stage.editor.delete([{ kind: 'ServiceEntry', namespace: 'elsewhere', name: 'squatter' }])
  stage.interval(0) // asks for reports again
  assert.equal(stage.interval(100), 'progressing 50')
})

test('goes on after a restart where it was', () => {
  const stage = new Stage()
  stage.interval(100)
  stage.interval(100)
  stage.restart()
  assert.equal(stage.state, 'progressing 50')
  assert.deepEqual([...stage.rollouts.weights], [['default/r', 50]])
  assert.equal(stage.interval(100), 'promoted 100')
  stage.restart()
  assert.equal(stage.state, 'promoted 100')
  assert.deepEqual(stage.turns, ['progressing 10', 'progressing 50', 'promoted 100'])
})

test('a rollback of the config tries again nothing that has ended, and begins anew what had not', () => {
  const stage = new Stage() // revision 1
  stage.interval(100, 100)
  stage.apply(rollout('2')) // revision 2
  stage.interval(100)
  stage.interval(100)
  assert.equal(stage.state, 'progressing 50')
  stage.editor.rollback(1)
  stage.clock.advance(0)
  assert.equal(stage.state, 'rolled-back 0')
  stage.restart()
  assert.equal(stage.interval(100), 'rolled-back 0')
  stage.editor.rollback(2)
  stage.clock.advance(0)
  assert.equal(stage.state, 'progressing 10')
})

test('deleted and applied again it is another; deleted and brought back by a rollback it is the same', () => {
  const stage = new Stage()
  stage.interval(100, 100)
  stage.delete()
  assert.equal(stage.state, '')
  stage.editor.rollback(1)
  stage.clock.advance(0)
  assert.equal(stage.state, 'rolled-back 0')
  stage.delete()
  stage.apply(rollout())
  assert.equal(stage.state, 'progressing 10')
})

test('of two for one service the older decides', () => {
  const stage = new Stage()
  stage.apply(rollout('1', 's'))
  stage.clock.advance(1000)
  assert.equal(stage.state, 'progressing 10, waiting 0')
  assert.match(stage.rollouts.all()[1]!.state.reason, /not for this Rollout to decide/)
  stage.delete()
  stage.clock.advance(1000)
  assert.equal(stage.state, 'progressing 10')
})

test('no more of the past is remembered than somebody may want', () => {
  const stage = new Stage()
  for (let version = 2; version < 40; version++) {
    stage.interval(100, 100)
    stage.apply(rollout(String(version)))
  }
  assert.equal(stage.database.prepare('SELECT count(*) AS count FROM rollout').get()?.['count'], 20)
})

test('a canary that hangs goes back when its clients have left', () => {
  const stage = new Stage()
  stage.report(stage.caller, { issued: 100, active: 100 })
  stage.clock.advance(10_000)
  assert.equal(stage.state, 'progressing 10', 'they may yet be answered')
  stage.report(stage.caller, { issued: 50, active: 110 })
  stage.clock.advance(10_000)
  assert.equal(stage.state, 'rolled-back 0')
  assert.equal(stage.reason, '40 of 40 requests were given up before they were answered')
})

test('requests that take longer than an interval, or whose bodies do, are not given up', () => {
  const stage = new Stage()
  // Finished with their heads, their bodies under way; then over.
  stage.report(stage.caller, { succeeded: 100, active: 100 })
  stage.clock.advance(10_000)
  stage.report(stage.caller, { issued: 0 })
  stage.report(stage.caller, { issued: 100, active: 100 })
  stage.clock.advance(10_000)
  stage.report(stage.caller, { succeeded: 100, issued: 0 })
  stage.clock.advance(10_000)
  assert.equal(stage.state, 'progressing 50')
})

test('the canary has no say, whichever name it takes; nor has who cannot see the service', () => {
  const praise = { succeeded: 1e9 }
  const stage = new Stage(SERVICE.replace('metadata: { name: reviews }', HIDDEN) + rollout())
  for (let i = 0; i < 4; i++) {
    stage.report(reporter('reviews'), praise, 'v2', CANARY)
    stage.report(reporter('reviews'), praise)
    stage.report(reporter('stranger', 'elsewhere'), praise)
    stage.clock.advance(10_000)
  }
  assert.equal(stage.state, 'progressing 10')
  assert.equal(stage.reason, '0 of the 10 requests that a judgement needs')
  // Another workload that shares the canary's service account has its own.
  stage.report(reporter('reviews'), { failed: 20 }, 'v2', { ...CANARY, name: 'ratings' })
  stage.clock.advance(10_000)
  assert.equal(stage.state, 'rolled-back 0')
})

test('nobody drowns what others say, however much and however often they report', () => {
  for (const [requests, failed] of [
    [2000, 300],
    [50, 20],
  ] as const) {
    const stage = new Stage()
    const liar = reporter('liar')
    for (let i = 0; i < 3; i++) stage.report(liar, { succeeded: 1e9 })
    assert.equal(stage.interval(requests, failed), 'rolled-back 0')
    assert.match(stage.reason, new RegExp(`^${failed} of ${requests} `))
  }
  // Bad luck of a few is none of the many.
  const stage = new Stage()
  stage.report(reporter('other'), { succeeded: 17, failed: 3 })
  assert.equal(stage.interval(100_000), 'progressing 10')
})

test('one that slanders is one among many', () => {
  const stage = new Stage()
  for (let i = 0; i < 20; i++) stage.report(reporter(`caller-${i}`), { succeeded: 1000 })
  stage.report(reporter('liar'), { dropped: 1e9 })
  assert.equal(stage.interval(1000), 'progressing 10')
  assert.equal(stage.reason, 'does well: 1000 of 22000 requests failed')
})

test('of Rollouts that are no more only the latest are remembered', () => {
  const stage = new Stage()
  for (let i = 0; i < 110; i++) {
    stage.delete(i === 0 ? 'r' : `r${i - 1}`)
    stage.apply(rollout('1', `r${i}`))
    stage.interval(100, 100)
  }
  assert.equal(stage.database.prepare('SELECT count(*) AS count FROM rollout').get()?.['count'], 101)
})
