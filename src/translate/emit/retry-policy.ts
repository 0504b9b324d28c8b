// Retries as Istio configures them: by default twice, never on the endpoint that failed.
import { create } from '@bufbuild/protobuf'
import type { HttpRetry } from '../../model/http-retry.ts'
import { packAny } from '../../xds/any-pack.ts'
import { type RetryPolicy, RetryPolicySchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { PreviousHostsPredicateSchema } from '../../xds/generated/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts'
import { PreviousPrioritiesConfigSchema } from '../../xds/generated/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.ts'
import { duration } from './durations.ts'

/** A 503 of the application is not among them (Istio since 1.24). */
const DEFAULT_RETRY_ON = 'connect-failure,refused-stream,unavailable,cancelled'
const INBOUND_RETRY_ON = 'reset-before-request'
const DEFAULT_ATTEMPTS = 2
const HOST_SELECTION_ATTEMPTS = 5n
const TRIES_PER_LOCALITY = 2

/**
 * Undefined: none. `fallback` is the mesh's policy for routes that have none of their own. `keepsHost`: another try may go to
 * the endpoint that failed.
 */
export function retryPolicy(
  retry: HttpRetry | undefined,
  fallback: HttpRetry | null,
  keepsHost = false,
): RetryPolicy | undefined {
  const effective = retry ?? fallback
  if (!effective) return create(RetryPolicySchema, policy(DEFAULT_RETRY_ON, DEFAULT_ATTEMPTS, !keepsHost))
  if (effective.attempts === 0) return undefined
  const { conditions, codes } = splitConditions(effective.retryOn === '' ? DEFAULT_RETRY_ON : effective.retryOn)
  return create(RetryPolicySchema, {
    ...policy(conditions, effective.attempts, effective.ignorePreviousHosts && !keepsHost),
    retriableStatusCodes: codes,
    ...(effective.remoteLocalities ? { retryPriority: previousPriorities() } : {}),
    ...(effective.perTryTimeoutMs === undefined ? {} : { perTryTimeout: duration(effective.perTryTimeoutMs) }),
    ...(effective.backoffMs === undefined ? {} : { retryBackOff: { baseInterval: duration(effective.backoffMs) } }),
  })
}

/** The server's own sidecar retries what never reached the application, unless the mesh says otherwise. */
export function inboundRetryPolicy(ofMesh: HttpRetry | null): RetryPolicy | undefined {
  const { attempts, retryOn, backoffMs } = ofMesh ?? { attempts: DEFAULT_ATTEMPTS, retryOn: '' }
  if (attempts === 0) return undefined
  const { conditions, codes } = splitConditions(retryOn === '' ? INBOUND_RETRY_ON : retryOn)
  return create(RetryPolicySchema, {
    retryOn: conditions,
    numRetries: attempts,
    retriableStatusCodes: codes,
    ...(backoffMs === undefined ? {} : { retryBackOff: { baseInterval: duration(backoffMs) } }),
  })
}

function policy(retryOn: string, numRetries: number, avoidPreviousHosts: boolean) {
  if (!avoidPreviousHosts) return { retryOn, numRetries }
  const predicate = packAny(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema))
  return {
    retryOn,
    numRetries,
    retryHostPredicate: [
      {
        name: 'envoy.retry_host_predicates.previous_hosts',
        configType: { case: 'typedConfig' as const, value: predicate },
      },
    ],
    hostSelectionRetryMaxAttempts: HOST_SELECTION_ATTEMPTS,
  }
}

function previousPriorities() {
  const config = create(PreviousPrioritiesConfigSchema, { updateFrequency: TRIES_PER_LOCALITY })
  return {
    name: 'envoy.retry_priorities.previous_priorities',
    configType: { case: 'typedConfig' as const, value: packAny(PreviousPrioritiesConfigSchema, config) },
  }
}

/** Whole numbers among the conditions are status codes. */
function splitConditions(retryOn: string): { conditions: string; codes: number[] } {
  const parts = retryOn.split(',').map(part => part.trim())
  const codes = parts.filter(part => /^\d+$/.test(part)).map(Number)
  const names = parts.filter(part => part !== '' && !/^\d+$/.test(part))
  if (codes.length > 0 && !names.includes('retriable-status-codes')) names.push('retriable-status-codes')
  return { conditions: names.join(','), codes }
}
