// The client side of TLS over a TCP connection that was begun already.
import type { Socket } from 'node:net'
import { connect, type SecureContext, type TLSSocket } from 'node:tls'
import { connectFailure } from '../net/system-network.ts'
import { type PeerRequirements, verifyPeer } from './peer-verification.ts'

export interface TlsClientOptions {
  readonly context: SecureContext
  /** SNI; empty: none is sent. */
  readonly serverName: string
  readonly applicationProtocols: readonly string[]
  readonly peer: PeerRequirements
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
    failure ||= connected ? tlsFailure(error.message) : `delayed_connect_error:_${underscored(connectFailure(error))}`
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
    finish(verdict.ok ? null : tlsFailure(`SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:${verdict.detail}`))
  })
  return secure
}

/** `TLS_error:|268435581:SSL_routines:...:TLS_error_end`, as Envoy's %UPSTREAM_TRANSPORT_FAILURE_REASON% prints it. */
function tlsFailure(detail: string): string {
  return underscored(`TLS_error:|268435581:${detail}:TLS_error_end`)
}

function underscored(text: string): string {
  return text.replaceAll(' ', '_')
}
