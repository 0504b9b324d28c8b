import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionInfo } from './http/testing/fake-proxy.ts'
import { StreamInfo } from './stream-info.ts'
import { StreamRecord } from './stream-record.ts'

test('a stream that an internal redirect begins has its request for as long as the one before it', () => {
  const info = new StreamInfo(connectionInfo(1, {} as Parameters<typeof connectionInfo>[1]), 1000, 0)
  assert.equal(info.again().record, null)
  info.record = new StreamRecord()
  info.record.receivedDownstream({ isRequestComplete: true, requestCompletedAt: 5 })
  info.record.beginTry(6)
  const { record, startTime, startedAt } = info.again()
  record!.receivedDownstream({ isRequestComplete: true, requestCompletedAt: 9 })
  assert.deepEqual([startTime, startedAt, record!.lastDownstreamRx, record!.poolAsked], [1000, 0, 5, -1])
})
