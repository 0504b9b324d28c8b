import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster_LbPolicy } from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { balancer, endpoint, problemsOf, shares } from '../testing/balanced.ts'

const lbPolicy = Cluster_LbPolicy.LEAST_REQUEST
const config = (value: object) => ({ lbPolicy, lbConfig: { case: 'leastRequestLbConfig', value } }) as const

test('never takes the busier of the two it looked at', () => {
  const [busy, idle] = [endpoint(1), endpoint(2)]
  busy.activeRequests = 50
  // Only when both draws fall on the busy one: a quarter of the picks, 4 sigma = 173.
  const [taken] = shares(balancer({ lbPolicy }), [busy, idle], 10_000)
  assert.ok(Math.abs(taken! - 2500) <= 173, `${taken} of 10000`)
})

test('with a choice_count of 4 the busy one needs all four draws: a sixteenth', () => {
  const [busy, idle] = [endpoint(1), endpoint(2)]
  busy.activeRequests = 50
  const [taken] = shares(balancer(config({ choiceCount: 4 })), [busy, idle], 10_000)
  assert.ok(Math.abs(taken! - 625) <= 97, `${taken} of 10000`)
})

test('by weight gives a busy endpoint less', () => {
  const [busy, idle] = [endpoint(1, 4), endpoint(2, 1)]
  busy.activeRequests = 3
  assert.deepEqual(shares(balancer({ lbPolicy }), [busy, idle], 1000), [500, 500])
})

test('active_request_bias 0 looks at weights alone, 2 at the square of the requests', () => {
  const [busy, idle] = [endpoint(1, 4), endpoint(2, 1)]
  busy.activeRequests = 1
  const bias = (defaultValue: number) => balancer(config({ activeRequestBias: { defaultValue, runtimeKey: 'x' } }))
  assert.deepEqual(shares(bias(0), [busy, idle], 1000), [800, 200])
  assert.deepEqual(shares(bias(2), [busy, idle], 1000), [500, 500])
})

test('what makes no sense is refused by name', () => {
  assert.deepEqual(
    problemsOf(
      config({
        choiceCount: 1,
        activeRequestBias: { defaultValue: -1, runtimeKey: 'x' },
        slowStartConfig: { aggression: { defaultValue: 0, runtimeKey: 'y' }, minWeightPercent: { value: 101 } },
      }),
    ),
    [
      'least_request_lb_config.choice_count: must be at least 2',
      'least_request_lb_config.active_request_bias: must not be negative',
      'least_request_lb_config.slow_start_config.aggression: must be above 0',
      'least_request_lb_config.slow_start_config.min_weight_percent: must be 0 to 100',
    ],
  )
})
