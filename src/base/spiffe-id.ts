// SPIFFE ids as Istio makes them: spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT.

export interface SpiffeId {
  readonly trustDomain: string
  readonly namespace: string
  readonly serviceAccount: string
}

/** Trust domain: https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md#21-trust-domain; names as in DNS. */
const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]{1,255})\/ns\/([a-z0-9][a-z0-9.-]{0,252})\/sa\/([a-z0-9][a-z0-9.-]{0,252})$/

export function formatSpiffeId(id: SpiffeId): string {
  return `spiffe://${id.trustDomain}/ns/${id.namespace}/sa/${id.serviceAccount}`
}

/** Null when the text is not an id of that form. */
export function parseSpiffeId(text: string): SpiffeId | null {
  const match = SPIFFE_ID.exec(text)
  if (match === null) return null
  const [, trustDomain = '', namespace = '', serviceAccount = ''] = match
  return { trustDomain, namespace, serviceAccount }
}
