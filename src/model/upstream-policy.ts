// The parts of a DestinationRule's trafficPolicy that a port's entry cannot have.

/** Bytes travel in a CONNECT, or a POST, to this host through the destination. */
export interface UpstreamTunnel {
  readonly method: 'CONNECT' | 'POST'
  readonly targetHost: string
  readonly targetPort: number
}

/** Each connection begins with whose it is. */
export type ProxyProtocolVersion = 'V1' | 'V2'

/** How many retries may be under way, in place of a connection pool's maxRetries. */
export interface RetryBudget {
  /** Of the requests under way. */
  readonly percent: number
  /** So many may be, however few requests there are. */
  readonly minRetryConcurrency: number
  /** The percentage is of the requests of so long, not of those under way. */
  readonly intervalMs?: number
}

/** Seconds; undefined: the operating system's. */
export interface TcpKeepalive {
  readonly probes: number | undefined
  readonly time: number | undefined
  readonly interval: number | undefined
}
