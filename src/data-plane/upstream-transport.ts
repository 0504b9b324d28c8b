// How bytes get to an endpoint: plaintext, or TLS with what the cluster's transport socket asks for.
import type { Socket } from 'node:net'
import type { ConnectionInfo } from './connection-info.ts'
import type { TlsMaterial } from './transport-socket/tls-context.ts'

/** Whom a connection is for, where requests decide. */
export interface ServerIdentity {
  /** SNI; null: as config says. */
  readonly serverName: string | null
  /** A name that the certificate must have, besides what config asks for; null: none. */
  readonly verifiedName: string | null
}

export interface UpstreamTransport {
  readonly name: 'raw_buffer' | 'tls'
  /** SDS names without which no connection can be made; absent: none. */
  readonly secretNames?: readonly string[]
  /** Of a TLS context, as it is now. */
  readonly material?: TlsMaterial | undefined
  /**
   * Starts a connection and calls back once: null when bytes may be written, else the transport's failure reason, in
   * Envoy's words where it has them (`TLS_error:...`, `delayed_connect_error:_Connection_refused`). The socket is
   * destroyed after a failure; whoever called owns the connect timeout.
   */
  connect(address: string, port: number, onReady: (failure: string | null) => void): Socket
  /**
   * The transport to use for one downstream connection; its connections tell the upstream whose they are, and must carry
   * nobody else's bytes. Absent where connections are all alike.
   */
  forDownstream?(downstream: ConnectionInfo): UpstreamTransport
  /** The transport to use where the request says whom the connection is for. Absent where none is asked who it is. */
  forServer?(identity: ServerIdentity): UpstreamTransport
}
