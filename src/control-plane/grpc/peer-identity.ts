// Who is calling: the SPIFFE id of the client certificate that the TLS handshake has verified.
import type { ServerUnaryCall } from '@grpc/grpc-js'
import { parseSpiffeId, type SpiffeId } from '../../base/spiffe-id.ts'

export interface PeerIdentity extends SpiffeId {
  /** When the certificate ends: milliseconds since the epoch. */
  readonly notAfter: number
}

/** Any call of grpc-js. */
export type AuthenticatedCall = Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>

/** An X.509 SVID has exactly one URI name (SPIFFE X509-SVID section 2); quoted ones hold separators and are never ours. */
const ONE_URI = /^URI:([^",\s]+)$/

/** Null without a verified certificate, or when it is no SVID of this trust domain. */
export function peerIdentity(call: AuthenticatedCall, trustDomain: string): PeerIdentity | null {
  const certificate = call.getAuthContext()?.sslPeerCertificate
  const uri = ONE_URI.exec(certificate?.subjectaltname ?? '')?.[1]
  const id = uri === undefined ? null : parseSpiffeId(uri)
  if (certificate === undefined || id === null || id.trustDomain !== trustDomain) return null
  return { ...id, notAfter: Date.parse(certificate.valid_to) }
}
