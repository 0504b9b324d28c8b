// Who waits for a connection.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeCluster } from '../http/testing/fake-proxy.ts'
import type { PoolWaiter } from './request-encoder.ts'
import { RESET } from './reset-reason.ts'
import { WaitingQueue } from './waiting-queue.ts'

test('a waiter that is cancelled while others are told of a failure is not told', () => {
  const cluster = new FakeCluster('c', 1)
  const queue = new WaitingQueue(cluster)
  const told: string[] = []
  const waiter = (name: string, onFailure?: () => void): PoolWaiter => ({
    onPoolReady() {},
    onPoolFailure() {
      told.push(name)
      onFailure?.()
    },
  })
  const second = waiter('second')
  queue.add(waiter('first', () => queue.cancel(second)))
  queue.add(second)
  queue.add(waiter('third'))
  queue.failAll(RESET.connectionTimeout, '')
  assert.deepEqual(told, ['first', 'third'])
  assert.equal(cluster.stats.upstreamRqPendingActive.value, 0)
})
