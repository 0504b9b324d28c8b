// A rule's fallback, in the metadata of its route: a Weft proxy reads it there, an Envoy does not look.
import type { JsonObject } from '@bufbuild/protobuf'
import type { HttpFallback } from '../../model/http-fallback.ts'
import { clusterOf } from './destination-cluster.ts'
import type { RouteSurroundings } from './route-surroundings.ts'

export function fallbackMetadata(fallback: HttpFallback, surroundings: RouteSurroundings): JsonObject {
  if (fallback.kind === 'destination') return { fallback: { cluster: clusterOf(fallback.destination, surroundings) } }
  const { status, body, contentType } = fallback
  return { fallback: { status, body: Buffer.from(body).toString('utf8'), content_type: contentType } }
}
