// One end of a connection that stays within the proxy: from a cluster's endpoint to an internal listener.
import { PairedSocket } from '../../transport/net/paired-socket.ts'
import type { ConnectionInfo } from '../connection-info.ts'

/** The end that has no listener. */
export const INTERNAL_CLIENT = 'envoy://internal_client_address/'

export class InternalSocket extends PairedSocket {
  /** `envoy://LISTENER/ENDPOINT_ID`, in Envoy's words. */
  readonly destination: string
  /** The downstream whose bytes it carries, where the cluster's transport socket passes that on. */
  carried: ConnectionInfo | null = null

  constructor(destination: string) {
    super()
    this.destination = destination
  }
}
