// Whether a client's HTTP/1 connection carries another request after the one under way (RFC 9112 9.3, 9.6).
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import type { ConnectionOwner } from './managed-connection.ts'

export class ConnectionReuse {
  /** The client asked for, or the connection's age or use demands, an end after the current response. */
  isOver = false
  readonly #owner: ConnectionOwner
  readonly #config: ConnectionManagerConfig
  #requests = 0

  constructor(owner: ConnectionOwner, config: ConnectionManagerConfig) {
    this.#owner = owner
    this.#config = config
  }

  /** `isLast`: as the request itself has it. */
  onRequest(isLast: boolean): void {
    const { maxRequestsPerConnection, stats } = this.#config
    this.isOver = isLast
    this.#requests++
    if (maxRequestsPerConnection === 0 || this.#requests < maxRequestsPerConnection) return
    stats.connectionMaxRequestsReached.value++
    this.isOver = true
  }

  /** A response is about to leave: whether it is the last, of a listener that drains or a process short of memory, too. */
  endsWithResponse(): boolean {
    if (this.isOver) return true
    const { stats, overload } = this.#config
    if (this.#owner.drainClose) stats.connectionDrainClose.value++
    else if (overload.disableHttpKeepalive) stats.connectionOverloadDisableKeepalive.value++
    else return false
    this.isOver = true
    return true
  }
}
