// Which failures each retry_on condition covers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RESET } from '../../../pool/reset-reason.ts'
import { RETRY_ON, type RetryPolicy } from '../../../route/route-entry.ts'
import { backoffMs } from './retry-backoff.ts'
import { isIdempotent, retriesPerTryTimeout, retriesReset, retriesResponse } from './retry-decision.ts'

type Condition = keyof typeof RETRY_ON

function policy(...conditions: Condition[]): RetryPolicy {
  return {
    attempts: 1,
    retryOn: conditions.reduce((bits, condition) => bits | RETRY_ON[condition], 0),
    retriableStatusCodes: [404],
    perTryTimeoutMs: 0,
    perTryIdleTimeoutMs: 0,
    resetFields: [],
    rateLimitedMaxMs: 0,
    retriableHeaders: [],
    retriableRequests: [],
    backoffBaseMs: 25,
    backoffMaxMs: 250,
    avoidPreviousHosts: false,
    hostSelectionAttempts: 1,
    priorityUpdateFrequency: 0,
  }
}

test('resets', () => {
  for (const condition of ['5xx', 'gateway-error', 'reset'] as const) {
    assert.equal(retriesReset(policy(condition), RESET.connectionTermination, false), true)
    assert.equal(retriesReset(policy(condition), RESET.protocolError, false), true)
    assert.equal(retriesReset(policy(condition), RESET.overflow, true), false)
    assert.equal(retriesPerTryTimeout(policy(condition)), true)
  }
  for (const reason of [RESET.remoteConnectionFailure, RESET.localConnectionFailure, RESET.connectionTimeout]) {
    assert.equal(retriesReset(policy('connect-failure'), reason, false), true)
    assert.equal(retriesReset(policy('retriable-4xx'), reason, true), false)
  }
  assert.equal(retriesReset(policy('connect-failure'), RESET.connectionTermination, false), false)
  assert.equal(retriesReset(policy('connect-failure'), RESET.connectionTermination, true), true)
  assert.equal(retriesPerTryTimeout(policy('connect-failure')), false)
})

test('responses', () => {
  const retries = (condition: Condition, status: number, ...headers: string[]): boolean =>
    retriesResponse(policy(condition), { status, headers }, 0, true)
  assert.equal(retries('5xx', 500), true)
  assert.equal(retries('5xx', 499), false)
  assert.equal(retries('gateway-error', 500), false)
  for (const status of [502, 503, 504]) assert.equal(retries('gateway-error', status), true)
  assert.equal(retries('retriable-4xx', 409), true)
  assert.equal(retries('retriable-status-codes', 404), true)
  assert.equal(retries('retriable-status-codes', 405), false)
  assert.equal(retries('unavailable', 503, 'grpc-status', '14'), true)
  assert.equal(retries('unavailable', 503, 'grpc-status', '13'), false)
  assert.equal(retries('5xx', 503, 'x-envoy-ratelimited', 'true'), false)
  assert.equal(retries('envoy-ratelimited', 429, 'x-envoy-ratelimited', 'true'), true)
  const reason = (cause: string): string => `upstream_reset_before_response_started{${cause}}`
  assert.equal(retries('connect-failure', 503, 'x-weft-reason', reason('connection_timeout')), true)
  assert.equal(retries('connect-failure', 503, 'x-weft-reason', reason('overflow')), false)
  assert.equal(retries('connect-failure', 503, 'x-weft-reason', 'no_healthy_upstream'), false)
  assert.equal(retries('connect-failure', 503), false)
})

test('methods that may be repeated', () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) assert.equal(isIdempotent(method), true)
  for (const method of ['POST', 'PATCH', 'CONNECT', 'LOCK', 'SUBSCRIBE', 'NOTIFY', 'MOVE'])
    assert.equal(isIdempotent(method), false)
})

test('time between tries doubles up to its bound, and is drawn anew each time', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map(retry => backoffMs(25, 250, retry, 0.999)),
    [24, 49, 99, 199, 249, 249],
  )
  assert.equal(backoffMs(25, 250, 3, 0.5), 50)
  assert.equal(backoffMs(25, 250, 1, 0), 1)
})
