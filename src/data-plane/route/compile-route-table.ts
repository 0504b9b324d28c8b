// RouteConfiguration -> RouteTable: everything decidable is decided here, once.
import type { Parsed } from '../../base/problem.ts'
import type { RouteConfiguration } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import type { RouteTable } from './route-entry.ts'

/** A table, or every problem of the configuration, unsupported fields included. */
export function compileRouteTable(configuration: RouteConfiguration): Parsed<RouteTable> {
  const check = new ResourceCheck(`RouteConfiguration ${configuration.name}`)
  return check.result<RouteTable>({ name: configuration.name, match: () => null })
}
