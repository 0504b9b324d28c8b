// x-forwarded-client-cert: who the client is, by its certificate, in Envoy's syntax
// (docs: configuration/http/http_conn_man/headers, x-forwarded-client-cert).
import { getCombinedHeader, type HeaderList, removeHeader, setHeader } from '../../transport/header-list.ts'
import type { ConnectionInfo, PeerCertificate } from '../connection-info.ts'

export type ForwardClientCert = 'sanitize' | 'forward-only' | 'append-forward' | 'sanitize-set' | 'always-forward-only'

export interface ClientCertDetails {
  readonly subject: boolean
  readonly cert: boolean
  readonly dns: boolean
  readonly uri: boolean
}

const CONTROL = /\p{Cc}/gu
const NAME = 'x-forwarded-client-cert'
// The same text for each request of a connection.
const ownElements = new WeakMap<PeerCertificate, string>()

/** `present`: the request carries the field already. */
export function setForwardedClientCert(
  headers: HeaderList,
  present: boolean,
  connection: ConnectionInfo,
  forward: ForwardClientCert,
  details: ClientCertDetails,
): void {
  if (forward === 'always-forward-only') return
  const peer = connection.peer
  if (forward === 'sanitize' || peer === null) {
    // What a client without a certificate claims to be is worth nothing.
    if (present) removeHeader(headers, NAME)
    return
  }
  if (forward === 'forward-only') return
  const own = ownElement(connection, peer, details)
  const before = present && forward === 'append-forward' ? getCombinedHeader(headers, NAME) : undefined
  setHeader(headers, NAME, before ? `${before},${own}` : own)
}

function ownElement(connection: ConnectionInfo, peer: PeerCertificate, details: ClientCertDetails): string {
  let element = ownElements.get(peer)
  if (element === undefined) {
    const parts: string[] = []
    if (connection.localUriSan !== '') parts.push(`By=${connection.localUriSan}`)
    parts.push(`Hash=${peer.sha256}`)
    if (details.cert && peer.pem !== undefined) parts.push(`Cert="${encodeURIComponent(peer.pem)}"`)
    // A quote in it is escaped already (RFC 2253 2.4).
    if (details.subject) parts.push(`Subject="${peer.subject}"`)
    if (details.uri) parts.push(`URI=${peer.uriSan}`)
    if (details.dns) for (const name of peer.dnsSans) parts.push(`DNS=${name}`)
    // A certificate's names may hold anything, line ends too.
    element = parts.join(';').replaceAll(CONTROL, '_')
    ownElements.set(peer, element)
  }
  return element
}
