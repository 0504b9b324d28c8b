// The network of a replay: every address of the case becomes a free port on 127.0.0.1, so that cases share one machine.
import { connect, createServer, type Server, Socket } from 'node:net'
import type { BoundListener, Network } from '../../../src/transport/net/network.ts'

const ANY_ADDRESSES = ['0.0.0.0', '::']

export class LoopbackNetwork implements Network {
  readonly #upstreams: ReadonlyMap<string, number>
  readonly #listeners = new Map<string, number>()

  /** `upstreams` maps `127.0.0.11:7080` to the port that stands for it; what is not named there refuses connections. */
  constructor(upstreams: ReadonlyMap<string, number>) {
    this.#upstreams = upstreams
  }

  /** The loopback port of the proxy's listener on `address:port`, also where it is bound to all addresses. */
  listenerPort(address: string, port: number): number | undefined {
    for (const host of [address, ...ANY_ADDRESSES]) {
      const found = this.#listeners.get(`${host}:${port}`)
      if (found !== undefined) return found
    }
    return undefined
  }

  get listenerCount(): number {
    return this.#listeners.size
  }

  connect(address: string, port: number): Socket {
    const target = this.#upstreams.get(`${address}:${port}`)
    return target === undefined ? refused(address, port) : connect({ host: '127.0.0.1', port: target, noDelay: true })
  }

  async listen(address: string, port: number, onConnection: (socket: Socket) => void): Promise<BoundListener> {
    const server = createServer({ noDelay: true }, onConnection)
    const bound = await listenOnLoopback(server)
    const key = `${address}:${port}`
    this.#listeners.set(key, bound)
    const close = (): Promise<void> => {
      this.#listeners.delete(key)
      return new Promise(done => server.close(() => done()))
    }
    return { address, port, close }
  }

  async resolve(hostname: string): Promise<readonly string[]> {
    if (hostname === 'localhost') return ['127.0.0.1']
    if (/^[\d.]+$/.test(hostname)) return [hostname]
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND', hostname })
  }
}

/** Listens on a free port of 127.0.0.1 and says which. */
export function listenOnLoopback(server: Server): Promise<number> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      done(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

/** A socket that fails as one to a port where nobody listens. */
function refused(address: string, port: number): Socket {
  const socket = new Socket()
  const error = Object.assign(new Error(`connect ECONNREFUSED ${address}:${port}`), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address,
    port,
  })
  setImmediate(() => socket.destroy(error))
  return socket
}
