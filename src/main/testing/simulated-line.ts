// A line of proxies that replace one another, with all that decides about their sockets, on a kernel of their own: what
// happens next, of all that can, is the test's to say.
import { FakeClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { SeededRandom } from '../../base/random.ts'
import { ListeningSocket } from '../../data-plane/listener/listening-socket.ts'
import { InheritableNetwork, type ListeningDescriptor } from '../../transport/net/inheritable-network.ts'
import { HotRestart } from '../hot-restart.ts'
import type { Inheritance, Predecessor } from '../inheritance.ts'
import type { Ending, StartedSuccessor } from '../successor.ts'
import { takeOver } from '../takeover.ts'
import { type FakeConnection, FakeKernel, FakeProcess } from './fake-kernel.ts'

/** The ports that listeners have, version by version. */
export type Versions = readonly (readonly number[])[]
export type Crash = 'none' | 'predecessor' | 'successor'

export interface Scenario {
  readonly versions: Versions
  readonly loops: number
  readonly restarts: number
  readonly crash: Crash
  /** How many versions a successor's first config is ahead of what its predecessor has, if there are so many. */
  readonly lead: number
}

const ADDRESS = '127.0.0.1'

/** What is under way from one to another: it arrives in order, some time. */
type Way = (() => void)[]

class SimulatedProxy {
  readonly process: FakeProcess
  readonly epoch: number
  readonly networks: readonly InheritableNetwork[]
  readonly listening: readonly Map<number, ListeningSocket>[]
  /** By event loop; -1: none yet. */
  readonly version: number[]
  readonly config: readonly Way[]
  readonly hotRestart: HotRestart
  state: 'INITIALIZING' | 'LIVE' | 'DRAINING' = 'INITIALIZING'
  /** Ports that it served at its handover. */
  left: readonly number[] = []
  readonly #world: SimulatedLine

  constructor(world: SimulatedLine, process: FakeProcess, inheritance: Inheritance) {
    this.#world = world
    this.process = process
    this.epoch = inheritance.epoch
    const left = [inheritance.sockets, ...inheritance.workers]
    const loops = Array.from({ length: world.scenario.loops }, (_, index) => index)
    this.networks = loops.map(
      index =>
        new InheritableNetwork(process.network, this.epoch === 0 ? null : (left[index] ?? []), process.descriptors),
    )
    this.listening = loops.map(() => new Map())
    this.version = loops.map(() => -1)
    this.config = loops.map(() => [])
    this.hotRestart = new HotRestart({
      clock: world.clock,
      log: silentLog,
      state: () => this.state,
      isStopping: () => !this.process.isAlive,
      legacy: async () => {
        const [sockets = [], ...workers] = await Promise.all(this.networks.map(network => network.lend()))
        return { epoch: this.epoch + 1, firstStartedAt: 0, sockets, workers, admin: null }
      },
      start: async legacy => this.#world.startSuccessor(this, legacy),
      freeze: async () => (await Promise.all(this.networks.map(network => network.freeze()))).every(each => each),
      release: () => {
        for (const network of this.networks) network.release()
      },
      handOver: async closed => {
        this.left = this.acknowledged
        this.state = 'DRAINING'
        for (const sockets of this.listening) for (const socket of sockets.values()) void socket.close()
        await Promise.all(this.networks.map(network => network.handOver()))
        closed()
      },
      stayInCharge: () => {},
      fail: () => this.process.end(),
    })
  }

  /** One after the other, as config comes. */
  deliver(loop: number, version: number): void {
    if (!this.process.isAlive || this.state === 'DRAINING') return
    this.version[loop] = version
    const wanted = new Set(this.#world.scenario.versions[version])
    const sockets = this.listening[loop]!
    for (const port of wanted) {
      if (sockets.has(port)) continue
      const host = { network: this.networks[loop]!, clock: this.#world.clock, random: new SeededRandom(0) }
      sockets.set(port, new ListeningSocket({ address: ADDRESS, port }, () => {}, host))
    }
    for (const [port, socket] of sockets) {
      if (wanted.has(port)) continue
      sockets.delete(port)
      void socket.close()
    }
  }

  /** What each event loop has told config's sender that it serves. */
  get acknowledged(): number[] {
    const ports = this.listening.map(sockets =>
      [...sockets].filter(([, socket]) => socket.isBound).map(([port]) => port),
    )
    return (ports[0] ?? []).filter(port => ports.every(others => others.includes(port)))
  }

  get failures(): string[] {
    return this.listening.flatMap(sockets => [...sockets.values()].map(({ failure }) => failure)).filter(text => text)
  }

  get isReady(): boolean {
    return (
      this.version.every(version => version >= 0) &&
      this.listening.every(sockets => [...sockets.values()].every(({ isGranted }) => isGranted))
    )
  }
}

/** Of a pair: predecessor and successor. */
interface Succession {
  readonly predecessor: SimulatedProxy
  readonly successor: SimulatedProxy
  readonly up: Way
  readonly down: Way
  readonly given: PromiseWithResolvers<void>
  readonly gone: PromiseWithResolvers<void>
  readonly ready: PromiseWithResolvers<string | null>
  readonly live: PromiseWithResolvers<string | null>
  readonly ended: PromiseWithResolvers<Ending>
  asked: boolean
}

export class SimulatedLine {
  readonly scenario: Scenario
  readonly clock = new FakeClock()
  readonly kernel: FakeKernel
  readonly proxies: SimulatedProxy[] = []
  readonly successions: Succession[] = []
  readonly connections: FakeConnection[] = []
  readonly faults: string[] = []
  readonly history: string[] = []
  #restartsLeft: number
  #crashed = false

  constructor(scenario: Scenario) {
    this.scenario = scenario
    this.kernel = new FakeKernel(scenario.loops > 1)
    this.#restartsLeft = scenario.restarts
  }

  async start(): Promise<void> {
    const nothing: Inheritance = { epoch: 0, firstStartedAt: null, sockets: [], workers: [], admin: null }
    const first = new SimulatedProxy(this, new FakeProcess(this.kernel), nothing)
    this.proxies.push(first)
    for (let loop = 0; loop < this.scenario.loops; loop++) first.deliver(loop, 0)
    this.#feed(first, 1)
    await settled()
    first.state = 'LIVE'
    this.#nextRestart(first)
    await settled()
  }

  /** Everything that can happen next, by name. */
  get options(): readonly (readonly [name: string, happen: () => void])[] {
    const found: (readonly [string, () => void])[] = []
    const offer = (name: string, way: Way): void => {
      if (way.length > 0) found.push([name, () => way.shift()?.()])
    }
    for (const { epoch, config, process } of this.proxies) {
      if (process.isAlive) for (const [loop, way] of config.entries()) offer(`config of ${epoch}.${loop}`, way)
    }
    for (const [index, { predecessor, up, down }] of this.successions.entries()) {
      if (predecessor.process.isAlive) offer(`word ${index} up`, up)
      offer(`word ${index} down`, down)
    }
    const { crash } = this.scenario
    const { predecessor, successor } = this.successions[0] ?? {}
    const victim = crash === 'predecessor' ? predecessor : crash === 'successor' ? successor : undefined
    // That there is another one is what can make a death good: not where one of the two is at its end anyway.
    const bothLive = predecessor?.process.isAlive && successor?.process.isAlive
    if (victim && bothLive && !this.#crashed && predecessor.state === 'LIVE' && successor.state !== 'LIVE')
      found.push([`crash of ${victim.epoch}`, () => this.#crash(victim)])
    return found
  }

  async happen([name, act]: readonly [name: string, happen: () => void]): Promise<void> {
    this.history.push(name)
    act()
    await settled()
    this.#askForLeave()
    await settled()
    this.#check()
  }

  /** Nothing is under way any more: whoever is in charge has the last config, and every client its answer. */
  conclude(): void {
    const [proxy, ...others] = this.proxies.filter(({ process, state }) => process.isAlive && state === 'LIVE')
    const { versions, crash, restarts } = this.scenario
    const last = versions.at(-1)!
    if (!proxy || others.length > 0) return void this.faults.push(`${others.length + (proxy ? 1 : 0)} in charge`)
    if (crash === 'none' && proxy.epoch !== restarts) this.faults.push(`${proxy.epoch} restarts`)
    if (String(proxy.acknowledged.sort()) !== String([...last].sort()))
      this.faults.push(`in the end ${proxy.acknowledged}`)
    for (const port of new Set(versions.flat()))
      if (this.kernel.at(port).length !== (last.includes(port) ? this.scenario.loops : 0))
        this.faults.push(`in the end ${this.kernel.at(port).length} sockets at ${port}`)
    for (const { port, lost, turnedAway, acceptedBy } of this.connections)
      if (lost || turnedAway || !acceptedBy)
        this.faults.push(`a client of ${port} was ${lost ? 'lost' : turnedAway ? 'turned away' : 'left waiting'}`)
  }

  startSuccessor(predecessor: SimulatedProxy, legacy: Inheritance): StartedSuccessor {
    const process = new FakeProcess(this.kernel)
    const inherited = (socket: ListeningDescriptor): ListeningDescriptor => {
      return { ...socket, fd: process.inherit(predecessor.process, socket.fd) }
    }
    const sockets = legacy.sockets.map(inherited)
    const workers = legacy.workers.map(loop => loop.map(inherited))
    const successor = new SimulatedProxy(this, process, { ...legacy, sockets, workers })
    this.proxies.push(successor)
    const latest = this.scenario.versions.length - 1
    this.#feed(successor, Math.min(latest, Math.max(...predecessor.version) + this.scenario.lead))
    const succession: Succession = {
      predecessor,
      successor,
      up: [],
      down: [],
      given: Promise.withResolvers(),
      gone: Promise.withResolvers(),
      ready: Promise.withResolvers(),
      live: Promise.withResolvers(),
      ended: Promise.withResolvers(),
      asked: false,
    }
    this.successions.push(succession)
    const { down, given, gone, ready, live, ended } = succession
    const end = (): void => this.#end(succession, 'killed')
    return {
      pid: successor.epoch,
      ready: ready.promise,
      live: live.promise,
      ended: ended.promise,
      letTakeOver: () => down.push(given.resolve),
      letGo: () => down.push(gone.resolve),
      abort: end,
      kill: end,
    }
  }

  #feed(proxy: SimulatedProxy, from: number): void {
    for (const [loop, way] of proxy.config.entries())
      for (let version = from; version < this.scenario.versions.length; version++)
        way.push(() => proxy.deliver(loop, version))
  }

  #nextRestart(proxy: SimulatedProxy): void {
    if (this.#restartsLeft-- > 0) proxy.hotRestart.begin()
  }

  #askForLeave(): void {
    for (const succession of this.successions) {
      const { predecessor, successor, up, given, gone, ready, live } = succession
      if (succession.asked || !successor.process.isAlive || !successor.isReady) continue
      succession.asked = true
      if (!predecessor.process.isAlive) gone.resolve()
      const channel: Predecessor = {
        gone: gone.promise,
        leave: async () => {
          up.push(() => ready.resolve(null))
          await Promise.race([given.promise, gone.promise])
        },
        announceLive: () => void up.push(() => live.resolve(null)),
        decline: () => {},
      }
      const takeCharge = async (): Promise<void> => {
        if (!successor.process.isAlive) return
        successor.state = 'LIVE'
        // As soon as may be.
        this.#nextRestart(successor)
      }
      takeOver(channel, { loops: successor.networks, signal: new AbortController().signal, takeCharge }).catch(error =>
        this.#end(succession, (error as Error).message),
      )
    }
  }

  #end({ successor, up, down, ready, live, ended }: Succession, how: string): void {
    if (!successor.process.isAlive) return
    successor.process.end()
    down.length = 0
    up.push(() => {
      ready.resolve(how)
      live.resolve(how)
      ended.resolve({ how, orderly: false })
    })
  }

  #crash(victim: SimulatedProxy): void {
    this.#crashed = true
    for (const succession of this.successions) {
      if (succession.successor === victim) this.#end(succession, 'crashed')
      else if (succession.predecessor === victim) {
        succession.up.length = 0
        succession.down.push(succession.gone.resolve)
      }
    }
    victim.process.end()
    // What it had accepted goes with it, whatever a hot restart does.
    for (const connection of this.connections.splice(0))
      if (connection.acceptedBy !== victim.process) this.connections.push(connection)
  }

  /** Clients come at every moment to every port that is served. */
  #check(): void {
    for (const { process, failures, epoch, state } of this.proxies)
      if (process.isAlive && state !== 'DRAINING')
        for (const why of failures) this.faults.push(`${epoch} could not bind: ${why}`)
    const inCharge = this.proxies.filter(({ process, state }) => process.isAlive && state === 'LIVE')
    const served = inCharge.flatMap(({ acknowledged }) => acknowledged)
    for (const { predecessor, successor } of this.successions) {
      // Its successor may have older config, and is to serve all the same what was served before.
      const isBehind = successor.version.some((version, loop) => version < predecessor.version[loop]!)
      if (inCharge.includes(successor) && isBehind) served.push(...predecessor.left)
    }
    // Config's sender takes the word of one that only starts, too.
    for (const { process, acknowledged, epoch } of this.proxies)
      for (const port of process.isAlive ? acknowledged : [])
        if (this.kernel.at(port).length === 0)
          this.faults.push(`${epoch} has acknowledged ${port}, and it is not bound`)
    for (const port of new Set(served)) {
      const connections = this.kernel.connect(port)
      if (connections.length === 0) this.faults.push(`${port} refused a client`)
      this.connections.push(...connections)
    }
  }
}

/** Whatever follows without anything else happening has happened. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
