// What Weft's control plane says of an HTTP filter beyond Envoy's fields: in the filter chain's metadata, under the filter's
// name, where an Envoy passes it over.
import type { HttpFilterHost } from './http-filter-factory.ts'

/** Clients are told of the limit by the standard's fields, too. */
export function tellsStandard({ proxy, filterName }: HttpFilterHost): boolean {
  return proxy.chainMetadata[filterName]?.['standard_headers'] === true
}
