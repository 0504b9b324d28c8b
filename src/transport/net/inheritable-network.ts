// Listening sockets that outlive the process that bound them: taken over from a predecessor, kept account of for a
// successor. A socket is never closed in between, so its queue of connections is never lost.
import { closeSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { BoundListener, Network } from './network.ts'
import { listenOn } from './system-network.ts'

interface Place {
  readonly address: string
  readonly port: number
}

export interface ListeningDescriptor {
  /** As config asks for it: port 0 included. */
  readonly wanted: Place
  readonly bound: Place
  readonly fd: number
}

type OnConnection = (socket: Socket) => void

export class InheritableNetwork implements Network {
  readonly connect: Network['connect']
  readonly resolve: Network['resolve']
  readonly #listen: Network['listen']
  #inherited: readonly ListeningDescriptor[]
  readonly #open = new Set<ListeningDescriptor>()
  /** Claimed, and not accepted on as yet. */
  readonly #waiting = new Map<
    ListeningDescriptor,
    { readonly onConnection: OnConnection; bound: BoundListener | null }
  >()

  /** While it is pending, closes wait for it. */
  #lent: PromiseWithResolvers<void> | null = null

  constructor(network: Network, inherited: readonly ListeningDescriptor[] = []) {
    this.connect = (address, port, lookup) => network.connect(address, port, lookup)
    this.resolve = hostname => network.resolve(hostname)
    this.#listen = (address, port, onConnection) => network.listen(address, port, onConnection)
    this.#inherited = inherited
  }

  /** An inherited socket accepts from `acceptInherited` on; until then its connections are the predecessor's. */
  async listen(address: string, port: number, onConnection: OnConnection): Promise<BoundListener> {
    const found = this.#inherited.find(({ wanted }) => wanted.address === address && wanted.port === port)
    if (found) return this.#claim(found, onConnection)
    const listener = await this.#listen(address, port, onConnection)
    if (listener.fd === undefined) return listener
    const { fd } = listener
    const socket = { wanted: { address, port }, bound: { address: listener.address, port: listener.port }, fd }
    this.#open.add(socket)
    return { ...listener, close: () => this.#close(socket, listener) }
  }

  /**
   * What a successor is to inherit. Until `release` none of it is closed: a number that came free would soon be that of a
   * client's connection.
   */
  lend(): readonly ListeningDescriptor[] {
    this.#lent ??= Promise.withResolvers<void>()
    return [...this.#open]
  }

  /** The successor has what it is to have, or there is none. */
  release(): void {
    this.#lent?.resolve()
    this.#lent = null
  }

  /** Accepts on what was claimed, and closes what nobody has claimed. */
  async acceptInherited(): Promise<void> {
    for (const { fd } of this.#inherited) closeSync(fd)
    this.#inherited = []
    for (const [socket, waiting] of this.#waiting) {
      this.#waiting.delete(socket)
      const bound = await listenOn({ fd: socket.fd }, waiting.onConnection)
      waiting.bound = bound
      // Told to close meanwhile.
      if (!this.#open.has(socket)) await bound.close()
    }
  }

  #claim(socket: ListeningDescriptor, onConnection: OnConnection): BoundListener {
    this.#inherited = this.#inherited.filter(other => other !== socket)
    this.#open.add(socket)
    const waiting = { onConnection, bound: null as BoundListener | null }
    this.#waiting.set(socket, waiting)
    const close = async (): Promise<void> => {
      if (waiting.bound) return this.#close(socket, waiting.bound)
      this.#open.delete(socket)
      if (this.#waiting.delete(socket)) closeSync(socket.fd)
    }
    return { ...socket.bound, fd: socket.fd, close }
  }

  async #close(socket: ListeningDescriptor, listener: BoundListener): Promise<void> {
    this.#open.delete(socket)
    if (this.#lent) await this.#lent.promise
    await listener.close()
  }
}
