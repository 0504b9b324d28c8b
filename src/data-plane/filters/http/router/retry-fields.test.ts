// Fields of a retry policy beside its conditions, over real sockets.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { FakeClock } from '../../../../base/clock.ts'
import {
  RetryPolicy_ResetHeaderFormat as Format,
  RetryPolicySchema,
} from '../../../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import { FakeCluster, type FakeProxy, forwardRoute, RETRY, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { ok, type RawUpstream, rawUpstream, type UpstreamRequest } from '../../../http/testing/raw-upstream.ts'
import { compileRetryPolicy } from '../../../route/retry-policy.ts'
import { HTTP_CONNECTION_MANAGER } from '../../network/http-connection-manager/factory.ts'
import { rateLimitedMs } from './retry-backoff.ts'

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

function compile(init: MessageInitShape<typeof RetryPolicySchema>) {
  const check = new ResourceCheck('')
  const policy = compileRetryPolicy(create(RetryPolicySchema, init), 'p', check)
  return { policy, problems: check.problems.map(({ path, message }) => `${path}: ${message}`) }
}

interface Scene {
  readonly proxy: FakeProxy
  readonly upstream: RawUpstream
  readonly cluster: FakeCluster
  readonly clock: FakeClock
}

async function withProxy(
  init: MessageInitShape<typeof RetryPolicySchema>,
  answer: (request: UpstreamRequest) => string | undefined,
  use: (scene: Scene) => Promise<void>,
): Promise<void> {
  const upstream = await rawUpstream(answer)
  const cluster = new FakeCluster('c', upstream.port)
  const clock = new FakeClock()
  const route = forwardRoute('c', { retry: compile(init).policy })
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], clock, route })
  await use({ proxy, upstream, cluster, clock })
  await proxy.close()
  await upstream.close()
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

test('a try that its endpoint leaves without a byte for too long is over; another may follow', () =>
  withProxy(
    { retryOn: '5xx', numRetries: 1, perTryIdleTimeout: { seconds: 1n } },
    () => undefined,
    async ({ proxy, upstream, cluster, clock }) => {
      const response = exchange(proxy.port, GET)
      await until(() => upstream.requests.length === 1)
      clock.advance(1010)
      await until(() => cluster.stats.upstreamRqRetry.value === 1)
      clock.advance(30)
      await until(() => upstream.requests.length === 2)
      clock.advance(1010)
      assert.equal((await response).status, 504)
      assert.equal(cluster.stats.upstreamRqPerTryIdleTimeout.value, 2)
      assert.equal(proxy.logs[0]!.responseCodeDetails, 'upstream_per_try_idle_timeout')
    },
  ))

test('every byte begins its time anew; a response under way is cut short', () =>
  withProxy(
    { retryOn: '5xx', perTryIdleTimeout: { seconds: 1n } },
    () => 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc',
    async ({ proxy, upstream, clock }) => {
      const client = new RawClient(proxy.port).send(GET)
      let received = 0
      client.socket.on('data', (chunk: Buffer) => {
        received += chunk.toString().endsWith('abc') || chunk.toString().endsWith('def') ? 1 : 0
      })
      await until(() => received === 1)
      clock.advance(800)
      upstream.requests[0]!.socket.write('def')
      await until(() => received === 2)
      clock.advance(800)
      assert.equal(proxy.logs.length, 0)
      clock.advance(300)
      await client.closed()
      assert.equal(proxy.logs[0]!.responseCodeDetails, 'upstream_per_try_idle_timeout')
    },
  ))

test('a response that limits the rate says when to come back', () =>
  withProxy(
    { retryOn: '5xx', rateLimitedRetryBackOff: { resetHeaders: [{ name: 'Retry-After' }] } },
    ({ index }) => (index === 0 ? 'HTTP/1.1 503 No\r\ncontent-length: 0\r\nretry-after: 5\r\n\r\n' : ok()),
    async ({ proxy, upstream, cluster, clock }) => {
      const response = exchange(proxy.port, GET)
      await until(() => cluster.stats.upstreamRqRetryRateLimited.value === 1)
      clock.advance(4990)
      assert.equal(upstream.requests.length, 1)
      clock.advance(2520)
      assert.equal((await response).status, 200)
    },
  ))

test('a response that is not taken is not among those that are counted by status (Envoy)', () =>
  withProxy(
    { retryOn: '5xx' },
    ({ index }) => (index === 0 ? 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' : ok()),
    async ({ proxy, cluster, clock }) => {
      const response = exchange(proxy.port, GET)
      await until(() => cluster.stats.upstreamRqRetry.value === 1)
      clock.advance(30)
      assert.equal((await response).status, 200)
      const { upstreamRq2xx, upstreamRq5xx, upstreamRqTotal } = cluster.stats
      assert.deepEqual([upstreamRq2xx.value, upstreamRq5xx.value, upstreamRqTotal.value], [1, 0, 2])
    },
  ))

test('of several fields the first that names a time within bounds', () => {
  const { policy } = compile({
    rateLimitedRetryBackOff: {
      resetHeaders: [{ name: 'Retry-After' }, { name: 'X-Reset', format: Format.UNIX_TIMESTAMP }],
      maxInterval: { seconds: 60n },
    },
  })
  const asked = (...headers: string[]): number => rateLimitedMs(policy, { status: 503, headers }, 1_000_000, 0.5)
  assert.equal(asked('retry-after', '10'), 12_500)
  assert.equal(asked('retry-after', '61', 'x-reset', '1002'), 2500)
  assert.equal(asked('retry-after', 'Wed, 21 Oct 2015 07:28:00 GMT', 'x-reset', '999'), 1)
  for (const value of ['', '-1', '1.5', 'x', '1'.repeat(16)]) assert.equal(asked('retry-after', value), -1)
  assert.equal(rateLimitedMs(RETRY, { status: 503, headers: ['retry-after', '1'] }, 0, 0), -1)
})

test('responses with a field that the policy names are tried again', () => {
  let answers = 0
  return withProxy(
    {
      retryOn: 'retriable-headers',
      retriableHeaders: [{ name: 'X-Again', headerMatchSpecifier: { case: 'exactMatch', value: 'yes' } }],
    },
    () => ok(String(answers), answers++ === 0 ? 'x-again: yes\r\n' : 'x-again: no\r\n'),
    async ({ proxy, cluster, clock }) => {
      const response = exchange(proxy.port, GET)
      await until(() => cluster.stats.upstreamRqRetryExponential.value === 1)
      clock.advance(30)
      assert.equal((await response).body, '1')
    },
  )
})

test('what cannot be honoured is refused by name', () => {
  const typeUrl = 'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig'
  const never = { name: 'p', configType: { case: 'typedConfig', value: { typeUrl } } } as const
  assert.deepEqual(compile({ retryPriority: never }).problems, [
    'p.retry_priority.typed_config.update_frequency: must be above 0',
  ])
  assert.deepEqual(
    compile({
      retryPriority: { name: 'p' },
      retryOptionsPredicates: [{ name: 'o' }],
      retriableHeaders: [{ name: ':path' }],
      retriableRequestHeaders: [{ name: '' }],
      rateLimitedRetryBackOff: { maxInterval: {} },
    }).problems.sort(),
    [
      'p.rate_limited_retry_back_off.max_interval: must be above 0s',
      'p.rate_limited_retry_back_off.reset_headers: must not be empty',
      'p.retriable_headers[0].name: is no field of a response',
      'p.retriable_request_headers[0].name: must not be empty',
      'p.retry_options_predicates: is not supported',
      'p.retry_priority: p is not supported',
    ],
  )
})
