// What a handshake has agreed on, and with whom: remembered by its socket, for logs outlive connections.
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { CertificateDetails } from './certificate-details.ts'

export interface TlsDetails {
  /** `TLSv1.3` */
  readonly version: string
  /** `TLS_AES_128_GCM_SHA256`, `ECDHE-RSA-AES128-GCM-SHA256` */
  readonly cipher: string
  /** SNI, as the client has said it; empty: it has not. */
  readonly serverName: string
  /** Null without a certificate. */
  readonly peer: CertificateDetails | null
  readonly local: CertificateDetails | null
}

const known = new WeakMap<Socket, TlsDetails>()

/** Call once the handshake is done. */
export function rememberTls(
  socket: TLSSocket,
  peer: CertificateDetails | null,
  local: CertificateDetails | null,
): void {
  const version = socket.getProtocol() ?? ''
  known.set(socket, { version, cipher: socket.getCipher()?.name ?? '', serverName: nameOf(socket), peer, local })
}

function nameOf(socket: TLSSocket): string {
  const { servername } = socket as { readonly servername?: string | false | null }
  return servername || ''
}

/** Null: no TLS. */
export function tlsDetailsOf(socket: Socket): TlsDetails | null {
  return known.get(socket) ?? null
}
