// The server side of TLS over a socket that was accepted already, read-ahead bytes included.
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import type { CertificateDetails } from './certificate-details.ts'
import { type PeerRequirements, type VerifiedPeer, verifyPeer } from './peer-verification.ts'
import { rememberTls } from './tls-details.ts'

export interface TlsServerOptions {
  readonly context: SecureContext
  /** The protocol chosen for this client; null: none is announced (as Envoy goes on when nothing is common). */
  readonly applicationProtocol: string | null
  /** Null: no certificate is asked for. */
  readonly peer: PeerRequirements | null
  /** What this side shows, for whoever asks later. */
  readonly ownCertificate?: CertificateDetails | null
  readonly clock: Clock
  readonly handshakeTimeoutMs: number
}

export type TlsServerOutcome =
  | { readonly ok: true; readonly socket: TLSSocket; readonly peer: VerifiedPeer | null; readonly alpn: string }
  | {
      readonly ok: false
      readonly reason: 'handshake' | 'timeout' | 'no-certificate' | 'chain' | 'san' | 'pin'
      readonly detail: string
    }

const ignore = (): void => {}

/**
 * Shakes hands and checks the peer; calls back once. On failure the connection is closed already. `readAhead` is what
 * was peeked from `socket`: it goes back to where TLS reads first.
 */
export function acceptTls(
  socket: Socket,
  readAhead: Buffer | null,
  options: TlsServerOptions,
  onDone: (outcome: TlsServerOutcome) => void,
): TLSSocket {
  if (readAhead !== null) socket.unshift(readAhead)
  socket.on('error', ignore)
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: options.context,
    requestCert: options.peer !== null,
    // Node then leaves the verdict to `verifyPeer`, which also knows the SAN matchers and counts why.
    rejectUnauthorized: false,
    ...(options.applicationProtocol === null ? {} : { ALPNProtocols: [options.applicationProtocol] }),
  })
  let failure: Error | null = null
  let done = false
  const finish = (outcome: TlsServerOutcome): void => {
    if (done) return
    done = true
    timer.cancel()
    secure.off('close', onClose)
    if (!outcome.ok) secure.destroy()
    onDone(outcome)
  }
  const onClose = (): void =>
    finish({ ok: false, reason: 'handshake', detail: failure?.message ?? 'connection closed during handshake' })
  const timer = options.clock.setTimer(options.handshakeTimeoutMs, () =>
    finish({ ok: false, reason: 'timeout', detail: 'handshake timeout' }),
  )
  // Stays on for the life of the connection: a reset between two owners must not become an uncaught error.
  secure.on('error', error => {
    failure = error
  })
  secure.on('close', onClose)
  secure.once('secure', () => {
    const verdict = options.peer ? verifyPeer(secure, options.peer) : ({ ok: true, peer: null } as const)
    if (verdict.ok) rememberTls(secure, verdict.peer?.details ?? null, options.ownCertificate ?? null)
    finish(verdict.ok ? { ok: true, socket: secure, peer: verdict.peer, alpn: secure.alpnProtocol || '' } : verdict)
  })
  return secure
}

/** The first of the server's protocols that the client offers, as Envoy chooses (SSL_select_next_proto); null: none. */
export function selectApplicationProtocol(own: readonly string[], offered: readonly string[]): string | null {
  return own.find(protocol => offered.includes(protocol)) ?? null
}
