// Who gets copies of a rule's requests, as Envoy's request_mirror_policies.

import type { JsonObject } from '@bufbuild/protobuf'
import { create } from '@bufbuild/protobuf'
import type { HttpMirror, MirrorComparison } from '../../model/http-mirror.ts'
import type { HttpRoute } from '../../model/http-route.ts'
import {
  type RouteAction_RequestMirrorPolicy,
  RouteAction_RequestMirrorPolicySchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { clusterOf } from './destination-cluster.ts'
import { fractionalPercent } from './route-filter-configs.ts'
import type { RouteSurroundings } from './route-surroundings.ts'

/** A rule with a delegate may have mirror and mirrors, one from each. */
export function mirrorPolicies(rule: HttpRoute, surroundings: RouteSurroundings): RouteAction_RequestMirrorPolicy[] {
  const { mirror, mirrors = [] } = rule
  const share = rule.mirrorPercentage ?? rule.mirrorPercent ?? 100
  const all: readonly HttpMirror[] = mirror ? [{ ...mirror, percentage: share }, ...mirrors] : mirrors
  return all
    .filter(({ percentage }) => percentage !== 0)
    .map(each =>
      create(RouteAction_RequestMirrorPolicySchema, {
        cluster: clusterOf(each.destination, surroundings),
        runtimeFraction: { defaultValue: fractionalPercent(each.percentage ?? 100) },
        traceSampled: false,
      }),
    )
}

/** In the metadata of the route: a Weft proxy reads it there, an Envoy does not look. */
export function comparisonMetadata({ headers, ignoredHeaders, maxBodyBytes }: MirrorComparison): JsonObject {
  const which = headers === null ? { ignored_headers: [...ignoredHeaders] } : { headers: [...headers] }
  return { mirror_comparison: { ...which, max_body_bytes: maxBodyBytes } }
}
