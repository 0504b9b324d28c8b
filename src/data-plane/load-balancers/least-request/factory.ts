// Envoy's LEAST_REQUEST, compiled.
import {
  Cluster_LbPolicy,
  Cluster_LeastRequestLbConfigSchema,
} from '../../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { LoadBalancerFactory } from '../contract/load-balancer.ts'
import { compileSlowStart } from '../contract/slow-start-config.ts'
import { LeastRequest } from './least-request.ts'

const PATH = 'least_request_lb_config'
const FIELDS = new Set(['choice_count', 'active_request_bias', 'slow_start_config'])
const ENVOY_CHOICES = 2
/** Far beyond what helps; a bound on the draws of one pick. */
const MAX_CHOICES = 1024

export const LEAST_REQUEST: LoadBalancerFactory = {
  policy: Cluster_LbPolicy.LEAST_REQUEST,
  config: 'leastRequestLbConfig',
  compile({ lbConfig }, check) {
    if (lbConfig.case !== 'leastRequestLbConfig') return new LeastRequest(ENVOY_CHOICES, 1, null)
    const { choiceCount = ENVOY_CHOICES, activeRequestBias, slowStartConfig } = lbConfig.value
    check.honour(Cluster_LeastRequestLbConfigSchema, lbConfig.value, PATH, FIELDS)
    if (choiceCount < 2) check.error(`${PATH}.choice_count`, 'must be at least 2')
    const bias = activeRequestBias?.defaultValue ?? 1
    if (!(bias >= 0)) check.error(`${PATH}.active_request_bias`, 'must not be negative')
    const slowStart = compileSlowStart(slowStartConfig, `${PATH}.slow_start_config`, check)
    return new LeastRequest(Math.min(choiceCount, MAX_CHOICES), bias, slowStart)
  },
}
