// What a rule says to the filters before the router: Envoy's typed_per_filter_config.
import { create } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { CorsPolicy } from '../../model/cors-policy.ts'
import type { HttpFault } from '../../model/http-fault.ts'
import type { HttpRoute } from '../../model/http-route.ts'
import { packAny } from '../../xds/any-pack.ts'
import { CorsPolicySchema } from '../../xds/generated/envoy/extensions/filters/http/cors/v3/cors_pb.ts'
import { HTTPFaultSchema } from '../../xds/generated/envoy/extensions/filters/http/fault/v3/fault_pb.ts'
import { FractionalPercent_DenominatorType } from '../../xds/generated/envoy/type/v3/percent_pb.ts'
import { duration } from './durations.ts'
import { stringMatcher } from './route-match.ts'

export const FAULT_FILTER = 'envoy.filters.http.fault'
export const CORS_FILTER = 'envoy.filters.http.cors'

export function routeFilterConfigs({ fault, corsPolicy }: HttpRoute): Record<string, Any> {
  return {
    ...(fault && (fault.delay || fault.abort) ? { [FAULT_FILTER]: packAny(HTTPFaultSchema, faultOf(fault)) } : {}),
    ...(corsPolicy ? { [CORS_FILTER]: packAny(CorsPolicySchema, corsOf(corsPolicy)) } : {}),
  }
}

/** Rounded down, as in Istio. */
export function fractionalPercent(percentage: number) {
  const denominator = FractionalPercent_DenominatorType.MILLION
  return { numerator: Math.trunc(percentage * 10_000), denominator }
}

function faultOf({ delay, abort }: HttpFault) {
  return create(HTTPFaultSchema, {
    ...(delay && {
      delay: {
        faultDelaySecifier: { case: 'fixedDelay', value: duration(delay.fixedMs) },
        percentage: fractionalPercent(delay.percentage),
      },
    }),
    ...(abort && {
      abort: {
        errorType: { case: abort.kind === 'http' ? 'httpStatus' : 'grpcStatus', value: abort.status },
        percentage: fractionalPercent(abort.percentage),
      },
    }),
  })
}

function corsOf(policy: CorsPolicy) {
  const { maxAgeSeconds, allowCredentials } = policy
  return create(CorsPolicySchema, {
    allowOriginStringMatch: policy.allowOrigins.flatMap(match =>
      match.kind === 'present' ? [] : stringMatcher(match),
    ),
    allowMethods: policy.allowMethods.join(','),
    allowHeaders: policy.allowHeaders.join(','),
    exposeHeaders: policy.exposeHeaders.join(','),
    ...(maxAgeSeconds === undefined ? {} : { maxAge: `${maxAgeSeconds}` }),
    ...(allowCredentials === undefined ? {} : { allowCredentials }),
    forwardNotMatchingPreflights: policy.unmatchedPreflights === 'FORWARD',
    filterEnabled: { defaultValue: { numerator: 100 } },
  })
}
