// What a route asks of the client's certificate.
import {
  type RouteMatch_TlsContextMatchOptions as TlsContextMatch,
  RouteMatch_TlsContextMatchOptionsSchema as TlsContextMatchSchema,
} from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import type { StreamCriterion } from './route-entry.ts'

const FIELDS = new Set(['presented', 'validated'])

export function compileTlsContextMatch(message: TlsContextMatch, path: string, check: ResourceCheck): StreamCriterion {
  check.honour(TlsContextMatchSchema, message, path, FIELDS)
  const { presented, validated } = message
  return {
    test({ connection: { peer } }) {
      if (presented !== undefined && (peer !== null) !== presented) return false
      return validated === undefined || (peer?.validated === true) === validated
    },
  }
}
