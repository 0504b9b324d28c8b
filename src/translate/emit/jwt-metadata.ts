// Where Envoy's filter that checks tokens leaves their claims, in its dynamic metadata.

export const JWT_FILTER = 'envoy.filters.http.jwt_authn'
/** Its `payload_in_metadata`, as Istio calls it. */
const PAYLOAD = 'payload'

/** Of a claim, as a metadata matcher and a metadata key have it. */
export function jwtPath(claim: readonly string[]) {
  return [PAYLOAD, ...claim].map(key => ({ segment: { case: 'key' as const, value: key } }))
}
