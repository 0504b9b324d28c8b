// What a client says to a proxy on a connection of its own, and what it hears.
import { connect, type Socket } from 'node:net'
import { type SecureVersion, connect as startTls, type TLSSocket } from 'node:tls'
import type { KeyPair } from '../../src/transport/tls/secure-context.ts'
import type { Field, Message } from './message.ts'

export interface Talk {
  /** Of the client: by it the access logs are told apart. */
  readonly localPort: number
  readonly responses: readonly Message[]
  /** What became of the connection: it took another request, was closed, or nothing more came for a while. */
  readonly end: 'kept' | 'closed' | 'silent'
  /** Bytes that are no response; for HTTP/2 the code of the reset. */
  readonly leftover: string
  /** What else there is to compare, by name. */
  readonly facts?: readonly Field[]
}

export interface TlsDialogue {
  /** Whom the server's certificate is checked by. */
  readonly ca: string
  readonly serverName?: string
  readonly certificate?: KeyPair
  readonly protocols?: readonly string[]
  readonly maxVersion?: SecureVersion
}

/** Null when the handshake fails on this side; a client's certificate is refused later, with TLS 1.3. */
export function shakeHands(socket: Socket, dialogue: TlsDialogue): Promise<TLSSocket | null> {
  const { ca, serverName, certificate, protocols, maxVersion } = dialogue
  return new Promise(resolve => {
    const secure = startTls({
      socket,
      ca,
      checkServerIdentity: () => undefined,
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(certificate === undefined ? {} : { cert: certificate.certificateChain, key: certificate.privateKey }),
      ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
      ...(maxVersion === undefined ? {} : { maxVersion }),
    })
    secure.once('secureConnect', () => resolve(secure))
    secure.once('error', () => resolve(null))
    secure.once('close', () => resolve(null))
  })
}

/** After this long without a byte a client gives up. */
export const SILENCE_MS = 3_000

/** Below those that the system gives out: no two connections of a run have the same, and each finds its log entries by it. */
const LOCAL_PORTS = { first: 10_000, count: 22_000 } as const
let portsUsed = Math.floor(Math.random() * LOCAL_PORTS.count)

/** A local port that somebody else has is passed over. */
export async function connectTo(port: number, allowHalfOpen = false): Promise<Socket> {
  for (;;) {
    const localPort = LOCAL_PORTS.first + (portsUsed++ % LOCAL_PORTS.count)
    const address = { host: '127.0.0.1', port, localAddress: '127.0.0.1', localPort }
    const socket = connect({ ...address, noDelay: true, allowHalfOpen })
    const error = await new Promise<NodeJS.ErrnoException | null>(done => {
      socket.once('connect', () => done(null))
      socket.once('error', done)
    })
    socket.removeAllListeners('error')
    if (error === null) return socket
    if (error.code !== 'EADDRINUSE' && error.code !== 'EADDRNOTAVAIL') throw error
  }
}
