// Who may report what, and what becomes of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Client, credentials, Metadata, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js'
import { FakeClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { WORKLOAD } from '../../model/workload-fixture.ts'
import {
  LoadReportingService,
  type LoadStatsRequestSchema,
  type LoadStatsResponse,
  LoadStatsRequestSchema as REQUEST,
} from '../../xds/generated/envoy/service/load_stats/v3/lrs_pb.ts'
import { grpcServiceDefinition } from '../../xds/grpc-service-definition.ts'
import type { Caller } from '../ads/admission.ts'
import type { ClusterLoad } from './cluster-load.ts'
import { fairLoad } from './fair-load.ts'
import { LoadReports } from './load-reports.ts'
import { loadService } from './load-service.ts'

const CLUSTER = 'outbound|9080|v2|reviews.default.svc.cluster.local'
const CALLER: Caller = {
  trustDomain: 'cluster.local',
  namespace: 'default',
  serviceAccount: 'reviews',
  notAfter: Number.POSITIVE_INFINITY,
}
const nodeId = (name: string): string => `sidecar~127.0.0.1~${name}~default.svc.cluster.local`
const watched = (...clusters: string[]) => new Map(clusters.map(cluster => [cluster, () => true]))
const drain = (reports: LoadReports): ClusterLoad => fairLoad([...reports.drain(CLUSTER).values()], Infinity).whole
type Request = MessageInitShape<typeof LoadStatsRequestSchema>

class Reporter {
  readonly responses: LoadStatsResponse[] = []
  readonly ended: Promise<ServiceError>
  readonly #call
  #wake = (): void => {}

  constructor(client: Client) {
    const { path, requestSerialize, responseDeserialize } =
      grpcServiceDefinition(LoadReportingService)['StreamLoadStats']!
    this.#call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata())
    this.ended = new Promise(resolve => this.#call.on('error', error => resolve(error as ServiceError)))
    this.#call.on('data', response => {
      this.responses.push(response as LoadStatsResponse)
      this.#wake()
    })
  }

  send(request: Request): void {
    this.#call.write(create(REQUEST, request))
  }

  async next(): Promise<LoadStatsResponse> {
    while (this.responses.length === 0)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    return this.responses.shift()!
  }

  cancel(): void {
    this.#call.cancel()
  }
}

async function withService(
  caller: Caller,
  use: (reports: LoadReports, client: Client, clock: FakeClock) => Promise<void>,
) {
  const reports = new LoadReports()
  const clock = new FakeClock()
  const server = new Server()
  const workload = { ...WORKLOAD, name: 'reviews-0', serviceAccount: 'reviews' }
  const registry = { workloadForProxy: ({ name }: { name: string }) => (name === 'reviews-0' ? workload : null) }
  const parts = { reports, registry, clock, log: silentLog, identify: () => caller }
  server.addService(grpcServiceDefinition(LoadReportingService), loadService(parts))
  const port = await new Promise<number>((done, fail) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? fail(error) : done(bound),
    ),
  )
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  try {
    await use(reports, client, clock)
  } finally {
    client.close()
    server.forceShutdown()
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

test('reports are asked for where something is watched, and only of that anything is taken', () =>
  withService(CALLER, async (reports, client) => {
    const reporter = new Reporter(client)
    reporter.send({ node: { id: nodeId('reviews-0.default') } })
    await until(() => reports.reporters === 1)
    assert.equal(reporter.responses.length, 0)
    reports.watch(watched(CLUSTER), 1500)
    const { clusters, loadReportingInterval } = await reporter.next()
    assert.deepEqual(
      [clusters, loadReportingInterval?.seconds, loadReportingInterval?.nanos],
      [[CLUSTER], 1n, 500_000_000],
    )
    const locality = {
      totalSuccessfulRequests: 90n,
      totalErrorRequests: 8n,
      loadMetricStats: [
        { metricName: 'weft.upstream_rq_time.250', numRequestsFinishedWithMetric: 70n },
        { metricName: 'weft.upstream_rq_time.500', numRequestsFinishedWithMetric: 4n },
        { metricName: 'weft.upstream_rq_time.inf', numRequestsFinishedWithMetric: 1n },
        { metricName: 'cpu', numRequestsFinishedWithMetric: 1000n },
      ],
    }
    reporter.send({
      clusterStats: [
        {
          clusterName: CLUSTER,
          upstreamLocalityStats: [locality, { totalErrorRequests: 1n }],
          totalDroppedRequests: 1n,
        },
        { clusterName: 'outbound|80||elsewhere', upstreamLocalityStats: [locality] },
      ],
    })
    reporter.send({
      clusterStats: [{ clusterName: CLUSTER, upstreamLocalityStats: [{ totalSuccessfulRequests: 1n }] }],
    })
    let total = drain(reports)
    await until(() => {
      total.add(drain(reports))
      return total.requests >= 101
    })
    assert.deepEqual([total.requests, total.failed, total.timed], [101, 10, 75])
    assert.deepEqual([total.slowerThan(250), total.slowerThan(500)], [5, 1])
    total = drain(reports)
    assert.equal(total.requests, 0)
    assert.equal(reports.drain('outbound|80||elsewhere').size, 0)
    // Another watch is told to whoever reports; the end of it, too.
    reports.watch(watched(), Number.POSITIVE_INFINITY)
    assert.deepEqual((await reporter.next()).clusters, [])
    reporter.cancel()
    await until(() => reports.reporters === 0)
  }))

test('no figure is taken that no proxy can have counted', () =>
  withService(CALLER, async (reports, client) => {
    const reporter = new Reporter(client)
    reports.watch(watched(CLUSTER), 1000)
    reporter.send({ node: { id: nodeId('reviews-0.default') } })
    await reporter.next()
    const huge = 2n ** 64n - 1n
    reporter.send({
      clusterStats: [{ clusterName: CLUSTER, upstreamLocalityStats: [{ totalSuccessfulRequests: huge }] }],
    })
    const total = drain(reports)
    await until(() => {
      total.add(drain(reports))
      return total.requests > 0
    })
    assert.equal(total.requests, 1_000_000_000)
    reporter.cancel()
  }))

const REFUSED: readonly (readonly [what: string, caller: Caller, id: string, code: number])[] = [
  ['nobody verified', 'unverified', nodeId('reviews-0.default'), status.PERMISSION_DENIED],
  ['for another namespace', CALLER, nodeId('ratings-0.other'), status.PERMISSION_DENIED],
  [
    "for a workload of another's",
    { ...CALLER, serviceAccount: 'ratings' },
    nodeId('reviews-0.default'),
    status.PERMISSION_DENIED,
  ],
  ['without a name', CALLER, '', status.INVALID_ARGUMENT],
]
for (const [what, caller, id, code] of REFUSED)
  test(`refused: ${what}`, () =>
    withService(caller, async (reports, client) => {
      const reporter = new Reporter(client)
      reports.watch(watched(CLUSTER), 1000)
      const stats = { clusterName: CLUSTER, upstreamLocalityStats: [{ totalSuccessfulRequests: 100n }] }
      reporter.send({ node: { id }, clusterStats: [stats] })
      reporter.send({ clusterStats: [stats] })
      assert.equal((await reporter.ended).code, code)
      assert.deepEqual([reports.reporters, drain(reports).requests], [0, 0])
    }))

test('a stream ends with the certificate that opened it', () =>
  withService({ ...CALLER, notAfter: new FakeClock().wallNow() + 60_000 }, async (reports, client, clock) => {
    const reporter = new Reporter(client)
    reporter.send({ node: { id: nodeId('reviews-0.default') } })
    await until(() => reports.reporters === 1)
    clock.advance(60_000)
    assert.equal((await reporter.ended).code, status.UNAUTHENTICATED)
    assert.equal(reports.reporters, 0)
  }))

test('one identity takes no places of others', () => {
  const reports = new LoadReports()
  const places = (identity: string): number => {
    let taken = 0
    while (reports.connect({ identity, namespace: 'default', ask: () => {} })) taken++
    return taken
  }
  assert.equal(places('a'), 1000)
  assert.equal(places('b'), 1000)
  const one = { identity: 'c', namespace: 'default', ask: () => {} }
  reports.connect(one)
  reports.disconnect(one)
  reports.disconnect(one)
  assert.equal(places('c'), 1000)
})
