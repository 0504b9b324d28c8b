// Listening sockets that outlive the process that bound them: taken over from a predecessor, lent to a successor. A socket
// is never closed in between, so its queue of connections is never lost. And of the two processes one at a time may bind,
// so that neither meets an address that the other has just taken.
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

/** The listening sockets of an event loop, or of several, as a hot restart deals with them. `Lent`: how it tells them. */
export interface ListeningSockets<Lent = readonly ListeningDescriptor[]> {
  /**
   * What a successor is to inherit. Until `release` none of it is closed: a number that came free would soon be that of a
   * client's connection, and an address that the successor holds could not be bound again.
   */
  lend(): Promise<Lent>
  /**
   * Nothing more is bound until `release`. False when something has come since `lend`: the successor may lack its socket,
   * or have config in which it is not there yet.
   */
  freeze(): Promise<boolean>
  /** There is no successor after all. */
  release(): void
  /** The successor is in charge: closes everything, and never binds again. */
  handOver(): Promise<void>
  /** Of a successor: the predecessor is frozen. Binds what it has not left. Rejects with what could not be bound. */
  bindPostponed(): Promise<void>
  /** Accepts on what was claimed, and closes what nobody has claimed. */
  acceptInherited(): Promise<void>
  /** Its sockets are closed. */
  predecessorIsGone(): void
}

/** What the operating system does with descriptors; a test has its own. */
export interface Descriptors {
  listen(fd: number, onConnection: OnConnection): Promise<BoundListener>
  close(fd: number): void
}

type OnConnection = (socket: Socket) => void

/** A socket that config asks for. */
interface HeldSocket {
  readonly wanted: Place
  onConnection: OnConnection
  /** Null until it is bound, and where the system has none. */
  descriptor: ListeningDescriptor | null
  /** Null until it accepts. */
  listener: BoundListener | null
  /** Of what is postponed. */
  readonly bound: PromiseWithResolvers<void> | null
  closed: boolean
}

const SYSTEM_DESCRIPTORS: Descriptors = {
  listen: (fd, onConnection) => listenOn({ fd }, onConnection),
  close: closeSync,
}

const ignore = (): void => {}
const turnAway: OnConnection = socket => void socket.destroy()

export class InheritableNetwork implements Network, ListeningSockets {
  readonly connect: Network['connect']
  readonly resolve: Network['resolve']
  readonly #listen: Network['listen']
  readonly #descriptors: Descriptors
  /** What nobody has claimed. */
  #inherited: readonly ListeningDescriptor[]
  readonly #open = new Set<HeldSocket>()
  /** Claimed, and not accepted on as yet: their connections are the predecessor's. */
  readonly #claimed = new Set<HeldSocket>()
  /** Of a successor that may not bind yet: what it is to bind. Null once it may. */
  #postponed: Set<HeldSocket> | null
  #lent: ReadonlySet<HeldSocket> = new Set()
  /** Lent to one that starts, and not wanted any more: clients are turned away, and config may take them back. */
  readonly #kept = new Set<HeldSocket>()
  #tookBack = false
  readonly #binding = new Set<Promise<void>>()
  /** What is to be bound waits for it; it rejects where there is nothing to wait for. */
  #gate: PromiseWithResolvers<void> | null

  /** `inherited`: null in the first process of a line. */
  constructor(
    network: Network,
    inherited: readonly ListeningDescriptor[] | null = null,
    descriptors: Descriptors = SYSTEM_DESCRIPTORS,
  ) {
    this.connect = (address, port, lookup) => network.connect(address, port, lookup)
    this.resolve = hostname => network.resolve(hostname)
    this.#listen = (address, port, onConnection) => network.listen(address, port, onConnection)
    this.#descriptors = descriptors
    this.#inherited = inherited ?? []
    this.#postponed = inherited && new Set()
    this.#gate = inherited && Promise.withResolvers()
  }

  async listen(address: string, port: number, onConnection: OnConnection): Promise<BoundListener> {
    const wanted = { address, port }
    const kept = [...this.#kept].find(held => samePlace(held.wanted, wanted))
    if (kept) {
      this.#kept.delete(kept)
      this.#open.add(kept)
      this.#tookBack = true
      return this.#handle(Object.assign(kept, { onConnection, closed: false }))
    }
    const descriptor = this.#claim(wanted)
    // A port of the system's choice can be bound at any time: nobody else asks for it.
    const postponed = descriptor === null && port !== 0 ? this.#postponed : null
    const bound = postponed && Promise.withResolvers<void>()
    const held: HeldSocket = { wanted, onConnection, descriptor, listener: null, bound, closed: false }
    if (descriptor) {
      this.#open.add(held)
      this.#claimed.add(held)
    } else if (postponed) postponed.add(held)
    else {
      while (this.#gate && !this.#postponed) await this.#gate.promise
      await this.#bind(held)
    }
    return this.#handle(held)
  }

  async lend(): Promise<readonly ListeningDescriptor[]> {
    while (this.#gate) await this.#gate.promise
    await this.#noneIsBinding()
    this.#lent = new Set(this.#open)
    this.#tookBack = false
    return [...this.#open].flatMap(({ descriptor }) => descriptor ?? [])
  }

  async freeze(): Promise<boolean> {
    this.#gate ??= Promise.withResolvers()
    await this.#noneIsBinding()
    // The successor may be about to serve there: it has to be left alone.
    this.#closeKept()
    return !this.#tookBack && [...this.#open].every(held => this.#lent.has(held))
  }

  release(): void {
    this.#lent = new Set()
    this.#closeKept()
    this.predecessorIsGone()
  }

  async handOver(): Promise<void> {
    this.#gate ??= Promise.withResolvers()
    this.#gate.promise.catch(ignore)
    this.#gate.reject(Object.assign(new Error('a successor is in charge'), { code: 'ECANCELED' }))
    this.#lent = new Set()
    this.#closeKept()
    const listeners = [...this.#open].map(({ listener }) => listener?.close())
    this.#open.clear()
    await Promise.all(listeners)
  }

  async bindPostponed(): Promise<void> {
    const postponed = this.#postponed ?? []
    this.#postponed = null
    for (const held of postponed) {
      if (!held.closed) await this.#bind(held)
      held.bound?.resolve()
    }
  }

  async acceptInherited(): Promise<void> {
    for (const held of this.#claimed) {
      this.#claimed.delete(held)
      held.listener = await this.#descriptors.listen(held.descriptor!.fd, socket => held.onConnection(socket))
      // Told to close meanwhile.
      if (held.closed) await held.listener.close()
    }
    for (const { fd } of this.#inherited) this.#descriptors.close(fd)
    this.#inherited = []
  }

  predecessorIsGone(): void {
    this.#gate?.resolve()
    this.#gate = null
  }

  #claim(wanted: Place): ListeningDescriptor | null {
    const found = this.#inherited.find(descriptor => samePlace(descriptor.wanted, wanted)) ?? null
    if (found) this.#inherited = this.#inherited.filter(other => other !== found)
    return found
  }

  #bind(held: HeldSocket): Promise<void> {
    const binding = this.#bindNow(held).finally(() => this.#binding.delete(binding))
    this.#binding.add(binding)
    return binding
  }

  async #bindNow(held: HeldSocket): Promise<void> {
    const { wanted } = held
    const listener = await this.#listen(wanted.address, wanted.port, socket => held.onConnection(socket))
    held.listener = listener
    if (held.closed) return listener.close()
    const { address, port, fd } = listener
    if (fd !== undefined) held.descriptor = { wanted, bound: { address, port }, fd }
    this.#open.add(held)
  }

  /** What is being bound is about to be had: to leave it out would be to forget it. */
  async #noneIsBinding(): Promise<void> {
    while (this.#binding.size > 0) await Promise.allSettled(this.#binding)
  }

  #handle(held: HeldSocket): BoundListener {
    const { descriptor, listener, bound, wanted } = held
    const fd = descriptor?.fd
    return {
      ...(descriptor?.bound ?? listener ?? wanted),
      ...(fd === undefined ? {} : { fd }),
      ...(bound && { bound: bound.promise }),
      close: () => this.#close(held),
    }
  }

  #closeKept(): void {
    for (const { listener } of this.#kept) void listener?.close()
    this.#kept.clear()
  }

  async #close(held: HeldSocket): Promise<void> {
    held.closed = true
    held.bound?.resolve()
    this.#open.delete(held)
    this.#postponed?.delete(held)
    // Config may ask for it again, and could not bind it: the predecessor has it still.
    if (this.#claimed.delete(held)) this.#inherited = [...this.#inherited, held.descriptor!]
    else if (this.#lent.has(held) && this.#gate === null) {
      held.onConnection = turnAway
      this.#kept.add(held)
    } else await held.listener?.close()
  }
}

function samePlace(a: Place, b: Place): boolean {
  return a.address === b.address && a.port === b.port
}
