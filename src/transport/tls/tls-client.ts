// The client side of TLS over a TCP connection that was begun already.
import type { Socket } from 'node:net'
import { connect, type SecureContext, type TLSSocket } from 'node:tls'
import { connectFailure } from '../net/system-network.ts'
import type { CertificateDetails } from './certificate-details.ts'
import { type PeerRequirements, verifyPeer } from './peer-verification.ts'
import { rememberTls } from './tls-details.ts'

export interface TlsClientOptions {
  readonly context: SecureContext
  /** SNI; empty: none is sent. */
  readonly serverName: string
  readonly applicationProtocols: readonly string[]
  readonly peer: PeerRequirements
  /** What this side shows where it is asked, for whoever wants to know later. */
  readonly ownCertificate?: CertificateDetails | null
}

/**
 * Shakes hands over `raw` and checks the server; calls back once, with null or the reason in Envoy's words. After a
 * failure the connection is closed. The caller bounds the time.
 */
export function connectTls(
  raw: Socket,
  options: TlsClientOptions,
  onReady: (failure: string | null) => void,
): TLSSocket {
  const secure = connect({
    socket: raw,
    secureContext: options.context,
    servername: options.serverName,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(options.applicationProtocols.length > 0 ? { ALPNProtocols: [...options.applicationProtocols] } : {}),
  })
  let done = false
  let failure = ''
  const finish = (outcome: string | null): void => {
    if (done) return
    done = true
    if (outcome !== null) secure.destroy()
    onReady(outcome)
  }
  const onError = (error: NodeJS.ErrnoException): void => {
    failure ||= connected ? handshakeFailure(error) : `delayed_connect_error:_${underscored(connectFailure(error))}`
  }
  let connected = !raw.connecting
  raw.once('connect', () => {
    connected = true
  })
  raw.on('error', onError)
  secure.on('error', onError)
  secure.once('close', () => finish(failure || tlsFailure('connection closed during handshake')))
  secure.once('secureConnect', () => {
    const verdict = verifyPeer(secure, options.peer)
    if (verdict.ok) rememberTls(secure, verdict.peer?.details ?? null, options.ownCertificate ?? null)
    finish(verdict.ok ? null : tlsFailure(`${UNVERIFIED}:${LIBRARY}:CERTIFICATE_VERIFY_FAILED:${verdict.detail}`))
  })
  return secure
}

const LIBRARY = 'SSL routines:OPENSSL_internal'
/** BoringSSL numbers reasons of its TLS from here; an alert is the thousandth and so many behind it, as in OpenSSL. */
const REASONS = 0x1000_0000
const UNVERIFIED = REASONS + 125
const FIRST_ALERT = 1_000
const OPENSSL_ERROR = /error:0A([0-9A-F]{6}):/

/** What OpenSSL says of a handshake, in the words of BoringSSL. Only reasons that are alerts have the same numbers in both. */
function handshakeFailure(error: Error & { readonly reason?: string }): string {
  if (error.reason === undefined) return tlsFailure(error.message)
  const reason = Number.parseInt(OPENSSL_ERROR.exec(error.message)?.[1] ?? '0', 16)
  const number = reason >= FIRST_ALERT && reason < FIRST_ALERT + 256 ? `${REASONS + reason}:` : ''
  return tlsFailure(`${number}${LIBRARY}:${error.reason.toUpperCase()}`)
}

/** `TLS_error:|268435581:SSL_routines:...:TLS_error_end`, as Envoy's %UPSTREAM_TRANSPORT_FAILURE_REASON% prints it. */
function tlsFailure(detail: string): string {
  return underscored(`TLS_error:|${detail}:TLS_error_end`)
}

function underscored(text: string): string {
  return text.replaceAll(' ', '_')
}
