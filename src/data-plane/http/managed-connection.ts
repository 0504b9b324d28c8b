// A downstream connection and the connection manager that holds it, whatever the protocol, as each sees the other.
import type { Socket } from 'node:net'
import type { ConnectionInfo } from '../connection-info.ts'

export interface ManagedConnection {
  /** Finishes what runs and takes nothing new. */
  drain(): void
}

/** The listener's connection manager, told of the end. */
export interface ConnectionOwner {
  readonly isDraining: boolean
  /** Whether a response is to be its connection's last; new ones are welcome. */
  readonly drainClose: boolean
  /** While draining: only connections whose client has been told of their end are closed. */
  readonly sparesIdle: boolean
  onConnectionClosed(connection: ManagedConnection): void
  /** `connection` has turned out to be HTTP/2, and leaves its socket alone from now on. */
  onHttp2Preface(connection: ManagedConnection, socket: Socket, info: ConnectionInfo, bytes: Buffer): void
}
