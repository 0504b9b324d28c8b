import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js'
import { FakeClock } from '../../base/clock.ts'
import { BUCKET_BOUNDS } from '../../base/histogram-buckets.ts'
import { silentLog } from '../../base/log.ts'
import { SeededRandom } from '../../base/random.ts'
import { NodeSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  LoadReportingService,
  type LoadStatsRequest,
  type LoadStatsResponse,
  LoadStatsResponseSchema,
} from '../../xds/generated/envoy/service/load_stats/v3/lrs_pb.ts'
import { grpcServiceDefinition } from '../../xds/grpc-service-definition.ts'
import { type ClusterLoad, loadSince, mergedLoads } from './cluster-load.ts'
import { LoadReporter } from './load-reporter.ts'

type Call = ServerDuplexStream<LoadStatsRequest, LoadStatsResponse>

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

function load(name: string, succeeded: number, failed = 0, fast = succeeded): ClusterLoad {
  const times = new Float64Array(BUCKET_BOUNDS.length + 1)
  times[BUCKET_BOUNDS.indexOf(50)] = fast
  times[BUCKET_BOUNDS.length] = succeeded - fast
  return { name, succeeded, failed, dropped: 0, active: 0, issued: succeeded + failed, times }
}

async function setUp(serves = true) {
  const server = new Server()
  const calls: Call[] = []
  const requests: LoadStatsRequest[] = []
  let wake = (): void => {}
  if (serves)
    server.addService(grpcServiceDefinition(LoadReportingService), {
      StreamLoadStats: (call: Call) => {
        calls.push(call)
        call.on('error', () => {})
        call.on('data', (request: LoadStatsRequest) => {
          requests.push(request)
          wake()
        })
        call.on('end', () => call.end())
      },
    })
  const port = await new Promise<number>((done, fail) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? fail(error) : done(bound),
    ),
  )
  const clock = new FakeClock()
  const counted = new Map<string, ClusterLoad>()
  /** Of event loops beside the first. */
  const others: Map<string, ClusterLoad>[] = []
  let asked = (): void => {}
  const reporter = new LoadReporter({
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    node: create(NodeSchema, { id: 'me' }),
    loads: async names => {
      queueMicrotask(() => asked())
      return [counted, ...others].map(loop => names.flatMap(name => loop.get(name) ?? []))
    },
  })
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  closers.push(() => {
    reporter.close()
    client.close()
    server.forceShutdown()
  })
  reporter.open(() => client)
  const next = async (): Promise<LoadStatsRequest> => {
    while (requests.length === 0)
      await new Promise<void>(resolve => {
        wake = resolve
      })
    return requests.shift()!
  }
  /** Resolves when the reporter has taken it. */
  const ask = async (question: MessageInitShape<typeof LoadStatsResponseSchema>): Promise<void> => {
    const taken = new Promise<void>(resolve => {
      asked = resolve
    })
    calls.at(-1)!.write(create(LoadStatsResponseSchema, question))
    await taken
    await new Promise(resolve => setImmediate(resolve))
  }
  return { clock, calls, counted, others, reporter, client, next, ask }
}

const figures = ({ clusterStats }: LoadStatsRequest) =>
  clusterStats.map(({ clusterName, upstreamLocalityStats: [locality] }) => [
    clusterName,
    Number(locality?.totalSuccessfulRequests),
    Number(locality?.totalErrorRequests),
    Object.fromEntries(
      locality?.loadMetricStats.map(one => [one.metricName, Number(one.numRequestsFinishedWithMetric)]) ?? [],
    ),
  ])

test('says who it is, and at each interval what was counted since', async () => {
  const { clock, counted, next, ask } = await setUp()
  assert.equal((await next()).node?.id, 'me')
  counted.set('a', load('a', 100, 10))
  await ask({ clusters: ['a', 'unknown'], loadReportingInterval: { seconds: 2n } })
  counted.set('a', load('a', 105, 11, 103))
  clock.advance(2000)
  const first = await next()
  assert.deepEqual(figures(first), [['a', 5, 1, { 'weft.upstream_rq_time.50': 3, 'weft.upstream_rq_time.inf': 2 }]])
  assert.equal(first.clusterStats[0]?.loadReportInterval?.seconds, 2n)
  clock.advance(2000)
  assert.deepEqual(figures(await next()), [['a', 0, 0, {}]])
})

test('another question: what is asked for still goes on, what is new begins then', async () => {
  const { clock, counted, next, ask } = await setUp()
  await next()
  counted.set('a', load('a', 0)).set('b', load('b', 50))
  await ask({ clusters: ['a'], loadReportingInterval: { seconds: 5n } })
  counted.set('a', load('a', 7))
  await ask({ clusters: ['a', 'b'], loadReportingInterval: { seconds: 1n } })
  counted.set('b', load('b', 52))
  clock.advance(1000)
  assert.deepEqual(
    figures(await next()).map(([name, succeeded]) => `${name} ${succeeded}`),
    ['a 7', 'b 2'],
  )
})

test('a cluster that comes later is told of from then on, and one that cannot be asked about is not forgotten', async () => {
  const { clock, counted, next, ask } = await setUp()
  await next()
  counted.set('a', load('a', 10))
  await ask({ clusters: ['a', 'b'], loadReportingInterval: { seconds: 1n } })
  const interval = async (): Promise<string[]> => {
    clock.advance(1000)
    return figures(await next()).map(([name, succeeded]) => `${name} ${succeeded}`)
  }
  counted.set('b', load('b', 70))
  counted.delete('a')
  assert.deepEqual(await interval(), [])
  counted.set('a', load('a', 13)).set('b', load('b', 75))
  assert.deepEqual(await interval(), ['a 3', 'b 5'])
})

test('an event loop that began anew takes nothing with it from the others', async () => {
  const { clock, counted, others, next, ask } = await setUp()
  await next()
  const second = new Map([['a', load('a', 100_000, 900)]])
  others.push(second)
  counted.set('a', load('a', 100_000, 900))
  await ask({ clusters: ['a'], loadReportingInterval: { seconds: 1n } })
  const interval = async (): Promise<unknown> => {
    clock.advance(1000)
    return figures(await next()).map(figure => figure.slice(0, 3))
  }
  counted.set('a', load('a', 2, 1))
  second.set('a', load('a', 100_001, 900))
  assert.deepEqual(await interval(), [['a', 3, 1]])
  second.set('a', load('a', 20))
  assert.deepEqual(await interval(), [['a', 20, 0]])
})

test('refused, it asks again after a while, and counts from then on', async () => {
  const { calls, clock, counted, next, ask } = await setUp()
  await next()
  counted.set('a', load('a', 10))
  await ask({ clusters: ['a'], loadReportingInterval: { seconds: 1n } })
  calls[0]!.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'no place' })
  // It hears of that in its own time, and may report until then.
  while (calls.length === 1) {
    await new Promise(resolve => setImmediate(resolve))
    clock.advance(500)
  }
  while ((await next()).node?.id !== 'me');
  counted.set('a', load('a', 50))
  await ask({ clusters: ['a'], loadReportingInterval: { seconds: 1n } })
  counted.set('a', load('a', 52))
  clock.advance(1000)
  assert.deepEqual(figures(await next())[0]?.slice(0, 2), ['a', 2])
})

test('a server that knows no load reports does no harm', async () => {
  const { reporter, client, clock } = await setUp(false)
  await new Promise<void>(resolve => client.waitForReady(Date.now() + 60_000, () => resolve()))
  clock.advance(10_000)
  reporter.close()
})

test('event loops add up, and a figure that shrank began anew', () => {
  assert.deepEqual(mergedLoads([[load('a', 1, 2)], [load('a', 10, 20), load('b', 5)]]), [
    load('a', 11, 22),
    load('b', 5),
  ])
  assert.deepEqual(loadSince(load('a', 15, 2), load('a', 10, 2)), { ...load('a', 5, 0), issued: 5 })
  assert.deepEqual(loadSince(load('a', 3, 0), load('a', 10, 2)), { ...load('a', 3, 0), issued: 3 })
  // What was in progress when it began anew is told of by nobody.
  assert.equal(loadSince(load('a', 3), { ...load('a', 10), active: 2 }).issued, 1)
})
