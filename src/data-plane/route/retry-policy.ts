// Envoy's RetryPolicy -> the contract's.
import { unpackAny } from '../../xds/any-pack.ts'
import {
  type RetryPolicy_RateLimitedRetryBackOff,
  RetryPolicy_RateLimitedRetryBackOffSchema,
  RetryPolicy_ResetHeaderFormat,
  RetryPolicy_ResetHeaderSchema,
  RetryPolicy_RetryBackOffSchema,
  RetryPolicy_RetryHostPredicateSchema,
  type RetryPolicy_RetryPriority,
  RetryPolicy_RetryPrioritySchema,
  type RetryPolicy as RetryPolicyMessage,
  RetryPolicySchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { PreviousPrioritiesConfigSchema } from '../../xds/generated/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'
import { compileHeaderMatcher } from './criterion.ts'
import { compileResponseMatcher } from './response-criterion.ts'
import { RETRY_ON, type RetryPolicy } from './route-entry.ts'

const FIELDS = new Set([
  'retry_on',
  'num_retries',
  'per_try_timeout',
  'retry_host_predicate',
  'host_selection_retry_max_attempts',
  'retry_priority',
  'retriable_status_codes',
  'retry_back_off',
  'per_try_idle_timeout',
  'rate_limited_retry_back_off',
  'retriable_headers',
  'retriable_request_headers',
])
const RATE_LIMITED_FIELDS = new Set(['reset_headers', 'max_interval'])
const RESET_FIELDS = new Set(['name', 'format'])
const RATE_LIMITED_MAX_MS = 300_000
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
    perTryIdleTimeoutMs: durationMs(policy.perTryIdleTimeout, 0),
    backoffBaseMs: base,
    backoffMaxMs: max,
    ...compileRateLimited(policy.rateLimitedRetryBackOff, `${path}.rate_limited_retry_back_off`, check),
    retriableHeaders: policy.retriableHeaders.map((matcher, index) =>
      compileResponseMatcher(matcher, `${path}.retriable_headers[${index}]`, check),
    ),
    retriableRequests: policy.retriableRequestHeaders.map((matcher, index) =>
      compileHeaderMatcher(matcher, `${path}.retriable_request_headers[${index}]`, check),
    ),
    avoidPreviousHosts: compilePredicates(policy, path, check),
    hostSelectionAttempts: Math.max(1, Number(policy.hostSelectionRetryMaxAttempts)),
    priorityUpdateFrequency: compileRetryPriority(policy.retryPriority, `${path}.retry_priority`, check),
  }
}

function compileRetryOn(text: string, path: string, check: ResourceCheck): number {
  let bits = 0
  for (const part of text.split(',')) {
    const token = part.trim()
    if (token === '') continue
    if (!Object.hasOwn(RETRY_ON, token)) check.unsupported(path, `${JSON.stringify(token)} is not supported`)
    else bits |= RETRY_ON[token as keyof typeof RETRY_ON]
  }
  return bits
}

function compileRateLimited(
  backOff: RetryPolicy_RateLimitedRetryBackOff | undefined,
  path: string,
  check: ResourceCheck,
): Pick<RetryPolicy, 'resetFields' | 'rateLimitedMaxMs'> {
  if (!backOff) return { resetFields: [], rateLimitedMaxMs: RATE_LIMITED_MAX_MS }
  check.honour(RetryPolicy_RateLimitedRetryBackOffSchema, backOff, path, RATE_LIMITED_FIELDS)
  if (backOff.resetHeaders.length === 0) check.error(`${path}.reset_headers`, 'must not be empty')
  const rateLimitedMaxMs = durationMs(backOff.maxInterval, RATE_LIMITED_MAX_MS)
  if (rateLimitedMaxMs <= 0) check.error(`${path}.max_interval`, 'must be above 0s')
  const resetFields = backOff.resetHeaders.map((header, index) => {
    const at = `${path}.reset_headers[${index}]`
    check.honour(RetryPolicy_ResetHeaderSchema, header, at, RESET_FIELDS)
    if (header.name === '') check.error(`${at}.name`, 'must not be empty')
    const isTimestamp = header.format === RetryPolicy_ResetHeaderFormat.UNIX_TIMESTAMP
    return { name: header.name.toLowerCase(), isTimestamp }
  })
  return { resetFields, rateLimitedMaxMs }
}

function compileRetryPriority(
  priority: RetryPolicy_RetryPriority | undefined,
  path: string,
  check: ResourceCheck,
): number {
  if (!priority) return 0
  check.honour(RetryPolicy_RetryPrioritySchema, priority, path, PREDICATE_FIELDS)
  const any = priority.configType.case === 'typedConfig' ? priority.configType.value : undefined
  const config = unpackAny(any, PreviousPrioritiesConfigSchema)
  if (config === null) check.unsupported(path, `${priority.name} is not supported`)
  else if (config.updateFrequency <= 0) check.error(`${path}.typed_config.update_frequency`, 'must be above 0')
  return config?.updateFrequency ?? 0
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
