// A TLS port for gRPC. The handshake is done here and not by grpc-js, so that a refused certificate can be named in the
// log, and the server's own certificate exchanged while connections live on.
import { constants } from 'node:crypto'
import { createServer, type SecureContextOptions, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { type Server, ServerCredentials } from '@grpc/grpc-js'
import type { Log } from '../../base/log.ts'
import type { Network } from '../../transport/net/network.ts'
import type { ServerIdentity } from '../ca/certificate-authority.ts'

export interface MeshListenerOptions {
  /** For the log: `xds`, `join`. */
  readonly name: string
  readonly network: Network
  readonly port: number
  /** False: any client may connect; its calls must prove themselves by other means. */
  readonly requireClientCertificate: boolean
  readonly identity: ServerIdentity
  /** PEM of the roots by which clients are checked. */
  readonly trustBundle: string
  readonly trustDomain: string
  readonly server: Server
  readonly log: Log
}

export interface MeshListener {
  readonly port: number
  /** For new connections; open ones keep the certificate that they saw. */
  replaceIdentity(identity: ServerIdentity): void
  /** Stops accepting and ends every connection. */
  close(): Promise<void>
}

const ADDRESS = '127.0.0.1'
const HANDSHAKE_TIMEOUT_MS = 10_000
const DRAIN_MS = 200

/** Rejects with the system's error when the port cannot be bound. */
export async function openMeshListener(options: MeshListenerOptions): Promise<MeshListener> {
  const injector = options.server.createConnectionInjector(ServerCredentials.createInsecure())
  const tls = createTls(options)
  const sockets = new Set<TLSSocket>()
  tls.on('secureConnection', socket => {
    socket.on('error', () => {}) // what is wrong with one connection concerns nobody else
    if (options.requireClientCertificate && !socket.authorized) {
      refuse(options, socket)
      return
    }
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    injector.injectConnection(socket)
  })
  const bound = await options.network.listen(ADDRESS, options.port, socket => {
    socket.on('error', () => {})
    tls.emit('connection', socket)
  })
  return {
    port: bound.port,
    replaceIdentity: identity => tls.setSecureContext(contextOf(options, identity)),
    close: async () => {
      await bound.close()
      injector.drain(DRAIN_MS)
      for (const socket of sockets) socket.end()
      injector.destroy()
    },
  }
}

function contextOf({ trustBundle }: MeshListenerOptions, { key, certificate }: ServerIdentity): SecureContextOptions {
  return {
    key,
    cert: certificate,
    ca: trustBundle,
    minVersion: 'TLSv1.2',
    // Every connection shows its certificate: a resumed session would bring along the verdict on one expired since.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

function createTls(options: MeshListenerOptions): TlsServer {
  const server = createServer({
    ...contextOf(options, options.identity),
    requestCert: options.requireClientCertificate,
    // Checked above, where the certificate that is refused can still be read and named.
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  })
  server.on('tlsClientError', error =>
    options.log.warn('TLS handshake failed', { port: options.name, why: error.message }),
  )
  return server
}

function refuse(options: MeshListenerOptions, socket: TLSSocket): void {
  const certificate = socket.getPeerCertificate()
  const names = certificate.subjectaltname ?? ''
  const foreign = names !== '' && !names.includes(`spiffe://${options.trustDomain}/`)
  options.log.warn('client certificate refused', {
    port: options.name,
    code: 'WEFT-2013',
    certificate: names === '' ? 'none' : names,
    why: foreign
      ? `it belongs to another trust domain; this mesh is ${options.trustDomain}`
      : String(socket.authorizationError ?? 'no certificate was sent'),
  })
  socket.destroy()
}
