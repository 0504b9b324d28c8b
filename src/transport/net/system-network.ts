// The operating system's TCP, as production uses it.
import { lookup } from 'node:dns/promises'
import { type AddressInfo, connect, createServer, isIPv6, type ListenOptions, type Server, Socket } from 'node:net'
import { type BoundListener, DUAL_STACK, type Network } from './network.ts'
import { flowAsOthers, READ_INTO_BLOCK, readIntoBlock } from './read-block.ts'

export const systemNetwork: Network = {
  connect(address, port, lookup) {
    try {
      const options = { host: address, port, noDelay: true, onread: READ_INTO_BLOCK, ...(lookup && { lookup }) }
      return flowAsOthers(connect(options))
    } catch (error) {
      // An address that no lookup takes (a NUL in it): whoever dials hears of it as of any other failure.
      return new Socket().destroy(error as Error)
    }
  },

  listen(address, port, onConnection) {
    return listenOn(placeOf(address, port), onConnection)
  },

  async resolve(hostname) {
    // `verbatim: false` of old: IPv4 first, because most meshes on a laptop have no IPv6 route.
    const found = await lookup(hostname, { all: true, order: 'ipv4first' })
    return found.map(entry => entry.address)
  },
}

/**
 * Of one family, as Envoy binds: Node alone would have `::` take IPv4 connections, too, which `0.0.0.0` beside it is for.
 */
export function placeOf(address: string, port: number): ListenOptions {
  return address === DUAL_STACK ? { host: '::', port } : { host: address, port, ipv6Only: isIPv6(address) }
}

/** At an address, or on a socket that is bound already. Rejects with the system's error. */
export function listenOn(
  place: ListenOptions | { readonly fd: number },
  onConnection: (socket: Socket) => void,
): Promise<BoundListener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, socket => {
      readIntoBlock(socket)
      onConnection(socket)
    })
    server.once('error', reject)
    server.listen(place, () => {
      server.off('error', reject)
      // Accept errors (EMFILE) concern one connection, never the listener.
      server.on('error', () => {})
      resolve(boundListener(server))
    })
  })
}

/** Undefined on Windows, where sockets are no files. */
export function descriptorOf(server: Server): number | undefined {
  const { fd = -1 } = (server as Server & { _handle?: { fd?: number } | null })._handle ?? {}
  return fd < 0 ? undefined : fd
}

function boundListener(server: Server): BoundListener {
  const bound = server.address() as AddressInfo
  const fd = descriptorOf(server)
  return {
    address: bound.address,
    port: bound.port,
    ...(fd === undefined ? {} : { fd }),
    // net.Server.close waits for every connection; the port itself is released at once, which is what a caller waits for.
    close: () => {
      server.close()
      return new Promise<void>(resolve => setImmediate(resolve))
    },
  }
}

/** Text of a system error as Envoy words it (strerror), for failure reasons and logs. */
export function connectFailure(error: NodeJS.ErrnoException): string {
  return SYSTEM_ERRORS[error.code ?? ''] ?? error.code ?? error.message
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  ETIMEDOUT: 'Connection timed out',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EACCES: 'Permission denied',
  EPIPE: 'Broken pipe',
}
