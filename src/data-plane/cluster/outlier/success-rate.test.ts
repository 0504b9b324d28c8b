import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { OutlierDetectionSchema } from '../../../xds/generated/envoy/config/cluster/v3/outlier_detection_pb.ts'
import { ResourceCheck } from '../../../xds/resource-check.ts'
import { readOutlierDetection } from './outlier-config.ts'
import { compareSuccess, type Tally } from './success-rate.ts'

function compare(init: MessageInitShape<typeof OutlierDetectionSchema>, tallies: readonly (Tally | null)[]) {
  const config = readOutlierDetection(create(OutlierDetectionSchema, init), 0, new ResourceCheck(''))
  return compareSuccess(config, tallies)
}

const served = (succeeded: number, total = 100): Tally => ({ total, succeeded })

test('who succeeds less often than the mean by so many deviations', () => {
  const found = compare({}, [served(100), served(100), served(100), served(100), served(50)])
  assert.deepEqual(found.rates, [100, 100, 100, 100, 50])
  assert.equal(found.average, 90)
  // The standard deviation is 20.
  assert.equal(found.ejectionThreshold, 90 - 1.9 * 20)
  assert.deepEqual(found.belowThreshold, [4])
  assert.deepEqual(
    compare({ successRateStdevFactor: 2000 }, Array(4).fill(served(100)).concat(served(50))).belowThreshold,
    [],
  )
})

test('too few endpoints, or too few requests, tell nothing', () => {
  const five = [served(100), served(100), served(100), served(100), served(0)]
  assert.deepEqual(compare({}, five.slice(1)).belowThreshold, [])
  assert.equal(compare({}, five.slice(1)).average, -1)
  // A fifth that was hardly asked does not count, and the four are too few.
  assert.deepEqual(compare({}, [...five.slice(1), served(99, 99)]).belowThreshold, [])
  // One that is out counts as an endpoint, and is not judged.
  assert.equal(compare({ successRateMinimumHosts: 4 }, [...five.slice(1), null]).average, 75)
})

test('who fails at the percentage, or above it', () => {
  const tallies = [served(15), served(16), served(100), served(100), served(100)]
  assert.deepEqual(compare({}, tallies).aboveFailurePercentage, [0])
  assert.deepEqual(
    compare({ failurePercentageMinimumHosts: 6, successRateMinimumHosts: 5 }, tallies).aboveFailurePercentage,
    [],
  )
  const few = [served(0, 49), ...tallies.slice(1)]
  assert.deepEqual(compare({ failurePercentageMinimumHosts: 4 }, few).aboveFailurePercentage, [])
  assert.equal(compare({}, few).rates[0], -1)
})
