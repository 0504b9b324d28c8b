// What a client says to a proxy on a connection of its own, and what it hears.
import { connect, type Socket } from 'node:net'
import type { Message } from './message.ts'

export interface Talk {
  /** Of the client: by it the access logs are told apart. */
  readonly localPort: number
  readonly responses: readonly Message[]
  /** What became of the connection: it took another request, was closed, or nothing more came for a while. */
  readonly end: 'kept' | 'closed' | 'silent'
  /** Bytes that are no response; for HTTP/2 the code of the reset. */
  readonly leftover: string
}

/** After this long without a byte a client gives up. */
export const SILENCE_MS = 700

/** Below those that the system gives out: no two connections of a run have the same, and each finds its log entries by it. */
const LOCAL_PORTS = { first: 10_000, count: 22_000 } as const
let portsUsed = Math.floor(Math.random() * LOCAL_PORTS.count)

/** A local port that somebody else has is passed over. */
export async function connectTo(port: number): Promise<Socket> {
  for (;;) {
    const localPort = LOCAL_PORTS.first + (portsUsed++ % LOCAL_PORTS.count)
    const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.1', localPort, noDelay: true })
    const error = await new Promise<NodeJS.ErrnoException | null>(done => {
      socket.once('connect', () => done(null))
      socket.once('error', done)
    })
    socket.removeAllListeners('error')
    if (error === null) return socket
    if (error.code !== 'EADDRINUSE' && error.code !== 'EADDRNOTAVAIL') throw error
  }
}
