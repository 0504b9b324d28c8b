// Sockets whose connections the system probes while they are silent (RFC 9293 3.8.4).
import type { Network } from './network.ts'

/** What is not asked for is as Linux has it: Node would take defaults of its own. */
export interface Keepalive {
  readonly timeSeconds: number
  readonly intervalSeconds: number
  readonly probes: number
}

export const SYSTEM_KEEPALIVE: Keepalive = { timeSeconds: 7200, intervalSeconds: 75, probes: 9 }

export function keepaliveNetwork(network: Network, { timeSeconds, intervalSeconds, probes }: Keepalive): Network {
  return {
    ...network,
    connect(address, port, lookup) {
      const socket = network.connect(address, port, lookup)
      return socket.setKeepAlive(true, timeSeconds * 1000, intervalSeconds * 1000, probes)
    },
  }
}
