// Listening sockets as the kernel has them: descriptions with queues, which processes share by descriptors of their own.
import type { Socket } from 'node:net'
import type { Descriptors } from '../../transport/net/inheritable-network.ts'
import type { BoundListener, Network } from '../../transport/net/network.ts'

type OnConnection = (socket: Socket) => void

/** A client's connection, and what became of it. */
export interface FakeConnection {
  readonly port: number
  acceptedBy: FakeProcess | null
  turnedAway: boolean
  /** The socket was closed with it in the queue. */
  lost: boolean
}

/** What listen() has made. It lives until the last descriptor of it is closed. */
class Description {
  readonly port: number
  readonly queue: FakeConnection[] = []
  readonly acceptors = new Map<FakeProcess, OnConnection>()
  holders = 0

  constructor(port: number) {
    this.port = port
  }

  deliver(): void {
    // In turn, as any may wake first.
    const acceptors = [...this.acceptors]
    if (acceptors.length === 0) return
    for (const [index, connection] of this.queue.splice(0).entries()) {
      const [process, onConnection] = acceptors[index % acceptors.length]!
      connection.acceptedBy = process
      onConnection({ destroy: () => (connection.turnedAway = true) } as unknown as Socket)
    }
  }
}

export class FakeKernel {
  readonly descriptions = new Set<Description>()
  readonly #reusePort: boolean

  constructor(reusePort: boolean) {
    this.#reusePort = reusePort
  }

  at(port: number): Description[] {
    return [...this.descriptions].filter(description => description.port === port)
  }

  /** Some to each socket at the port, and to each who accepts there, as a client may come to any; none: refused. */
  connect(port: number): FakeConnection[] {
    return this.at(port).flatMap(description => {
      const connections = Array.from({ length: Math.max(1, description.acceptors.size) }, () => {
        return { port, acceptedBy: null, turnedAway: false, lost: false }
      })
      description.queue.push(...connections)
      description.deliver()
      return connections
    })
  }

  bind(port: number): Description {
    if (!this.#reusePort && this.at(port).length > 0)
      throw Object.assign(new Error(`EADDRINUSE ${port}`), { code: 'EADDRINUSE' })
    const description = new Description(port)
    this.descriptions.add(description)
    return description
  }
}

export class FakeProcess {
  readonly #kernel: FakeKernel
  readonly #descriptors = new Map<number, Description>()
  #lastFd = 3
  isAlive = true

  constructor(kernel: FakeKernel) {
    this.#kernel = kernel
  }

  readonly network: Network = {
    connect: () => {
      throw new Error('nobody connects')
    },
    resolve: async () => [],
    listen: async (_address, port, onConnection) => {
      if (!this.isAlive) return await new Promise<never>(() => {})
      const fd = this.#add(this.#kernel.bind(port))
      return this.#accept(fd, onConnection)
    },
  }

  readonly descriptors: Descriptors = {
    listen: async (fd, onConnection) => this.#accept(fd, onConnection),
    close: fd => this.#close(fd),
  }

  /** As a child that is spawned with it has it. */
  inherit(parent: FakeProcess, fd: number): number {
    return this.#add(parent.#descriptors.get(fd)!)
  }

  end(): void {
    this.isAlive = false
    for (const fd of [...this.#descriptors.keys()]) this.#close(fd)
  }

  #add(description: Description): number {
    description.holders++
    this.#descriptors.set(++this.#lastFd, description)
    return this.#lastFd
  }

  #accept(fd: number, onConnection: OnConnection): BoundListener {
    const description = this.#descriptors.get(fd)
    if (description) {
      description.acceptors.set(this, onConnection)
      description.deliver()
    }
    return { address: '', port: description?.port ?? 0, fd, close: async () => this.#close(fd) }
  }

  #close(fd: number): void {
    const description = this.#descriptors.get(fd)
    if (!description) return
    this.#descriptors.delete(fd)
    description.acceptors.delete(this)
    if (--description.holders > 0) {
      description.deliver()
      return
    }
    this.#kernel.descriptions.delete(description)
    for (const connection of description.queue) connection.lost = true
  }
}
