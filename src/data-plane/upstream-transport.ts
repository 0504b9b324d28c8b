// How bytes get to an endpoint: plaintext, or TLS with what the cluster's transport socket asks for.
import type { Socket } from 'node:net'
import type { ConnectionInfo } from './connection-info.ts'

export interface UpstreamTransport {
  readonly name: 'raw_buffer' | 'tls'
  /** SDS names without which no connection can be made; absent: none. */
  readonly secretNames?: readonly string[]
  /**
   * Starts a connection and calls back once: null when bytes may be written, else the transport's failure reason, in
   * Envoy's words where it has them (`TLS_error:...`, `delayed_connect_error:_Connection_refused`). The socket is
   * destroyed after a failure; whoever called owns the connect timeout.
   */
  connect(address: string, port: number, onReady: (failure: string | null) => void): Socket
  /**
   * The transport to use for an endpoint that is known by the name it is called by; `checked`: its certificate must have
   * that name. Absent where nobody is told a name.
   */
  forName?(name: string, checked: boolean): UpstreamTransport
  /**
   * The transport to use for one downstream connection; its connections tell the upstream whose they are, and must carry
   * nobody else's bytes. Absent where connections are all alike.
   */
  forDownstream?(downstream: ConnectionInfo): UpstreamTransport
}
