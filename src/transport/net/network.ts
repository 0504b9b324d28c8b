// Sockets, handed in: production binds and dials what config says; a test maps addresses to ports of its own.
import type { LookupFunction, Socket } from 'node:net'

/** Every address of the machine in both families, as `ss` shows it; `::` is every IPv6 address. */
export const DUAL_STACK = '*'

export interface BoundListener {
  readonly address: string
  /** The port really bound: differs from the one asked for when that was 0, or mapped by a test. */
  readonly port: number
  /** The socket's file descriptor, where the system has such: a child process may inherit it. */
  readonly fd?: number
  /** Where it cannot be bound yet, as a predecessor may have the address: resolves once it is bound, or closed. */
  readonly bound?: Promise<void>
  /** Stops accepting at once; open connections live on. Resolves when the port is released. */
  close(): Promise<void>
}

export interface Network {
  /**
   * Starts a TCP connection; `connect` and `error` come as events of the socket. No delay (TCP_NODELAY) is set. `lookup`:
   * how a name is looked up, where not as the system does.
   */
  connect(address: string, port: number, lookup?: LookupFunction): Socket
  /** `address`: an IP address, or DUAL_STACK. Rejects with the system's error (EADDRINUSE, EACCES) when the address cannot be bound. */
  listen(address: string, port: number, onConnection: (socket: Socket) => void): Promise<BoundListener>
  /** All addresses of a host name, IPv4 first. */
  resolve(hostname: string): Promise<readonly string[]>
}
