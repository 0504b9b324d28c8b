// Envoy's RetryPolicy -> the contract's.
import {
  RetryPolicy_RetryBackOffSchema,
  RetryPolicy_RetryHostPredicateSchema,
  type RetryPolicy as RetryPolicyMessage,
  RetryPolicySchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'
import { RETRY_ON, type RetryPolicy } from './route-entry.ts'

const FIELDS = new Set([
  'retry_on',
  'num_retries',
  'per_try_timeout',
  'retry_host_predicate',
  'host_selection_retry_max_attempts',
  'retriable_status_codes',
  'retry_back_off',
])
const PREDICATE_FIELDS = new Set(['name', 'typed_config'])
const BACK_OFF_FIELDS = new Set(['base_interval', 'max_interval'])
const PREVIOUS_HOSTS = /\.retry\.host\.previous_hosts\.v[23][a-z]*\.PreviousHosts(?:Predicate)?$/

export function compileRetryPolicy(policy: RetryPolicyMessage, path: string, check: ResourceCheck): RetryPolicy {
  check.honour(RetryPolicySchema, policy, path, FIELDS)
  const backOff = policy.retryBackOff
  if (backOff) check.honour(RetryPolicy_RetryBackOffSchema, backOff, `${path}.retry_back_off`, BACK_OFF_FIELDS)
  if (backOff && !backOff.baseInterval) check.error(`${path}.retry_back_off.base_interval`, 'is required')
  // Envoy's defaults: 25 ms, and ten times the base.
  const base = durationMs(backOff?.baseInterval, 25)
  const max = durationMs(backOff?.maxInterval, base * 10)
  if (base <= 0 || max < base)
    check.error(`${path}.retry_back_off`, 'needs a base_interval above 0 and no max_interval below it')
  return {
    attempts: policy.numRetries ?? 1,
    retryOn: compileRetryOn(policy.retryOn, `${path}.retry_on`, check),
    retriableStatusCodes: policy.retriableStatusCodes,
    perTryTimeoutMs: durationMs(policy.perTryTimeout, 0),
    backoffBaseMs: base,
    backoffMaxMs: max,
    avoidPreviousHosts: compilePredicates(policy, path, check),
    hostSelectionAttempts: Math.max(1, Number(policy.hostSelectionRetryMaxAttempts)),
  }
}

function compileRetryOn(text: string, path: string, check: ResourceCheck): number {
  let bits = 0
  for (const part of text.split(',')) {
    const token = part.trim()
    if (token === '') continue
    if (!Object.hasOwn(RETRY_ON, token)) check.unsupported(path, `${JSON.stringify(token)} is not supported`)
    // Where `retriable-headers` stands without retriable_headers, which are refused by name, it asks for nothing.
    else bits |= RETRY_ON[token as keyof typeof RETRY_ON]
  }
  return bits
}

function compilePredicates(policy: RetryPolicyMessage, path: string, check: ResourceCheck): boolean {
  let previousHosts = false
  for (const [index, predicate] of policy.retryHostPredicate.entries()) {
    const at = `${path}.retry_host_predicate[${index}]`
    check.honour(RetryPolicy_RetryHostPredicateSchema, predicate, at, PREDICATE_FIELDS)
    const type = predicate.configType.case === 'typedConfig' ? predicate.configType.value.typeUrl : ''
    const known =
      type === '' ? predicate.name === 'envoy.retry_host_predicates.previous_hosts' : PREVIOUS_HOSTS.test(type)
    if (known) previousHosts = true
    else check.unsupported(at, `${predicate.name} is not supported`)
  }
  return previousHosts
}
