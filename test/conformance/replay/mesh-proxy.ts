// One Weft proxy in process: its config emitted from the linked case, its sockets on a network of its own.
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLog } from '../../../src/base/log.ts'
import { formatProblem, type Problem } from '../../../src/base/problem.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import type { LogFiles } from '../../../src/data-plane/access-log/log-file.ts'
import { Proxy as DataPlane } from '../../../src/data-plane/proxy.ts'
import type { ProxyNode } from '../../../src/model/proxy-node.ts'
import type { XdsResource } from '../../../src/model/proxy-resources.ts'
import { emit } from '../../../src/translate/emit/emit.ts'
import type { LinkedMesh } from '../../../src/translate/link/linked-mesh.ts'
import type { ResourceMessage } from '../../../src/xds/resource-message.ts'
import type { ResourceType } from '../../../src/xds/type-url.ts'
import { LoopbackNetwork } from './loopback-network.ts'

/** What the access log says of one stream, by the keys of Istio's JSON format. */
export type LogLine = Readonly<Record<string, unknown>>

/** A bound against hanging, not a figure. */
const READY_WITHIN_MS = 60_000
/** Turns of the event loop, not a time: whatever happens of itself has happened. Some requests leave no line at all. */
const LOGGED_WITHIN = { turns: 100, turnMs: 2 } as const

export class MeshProxy {
  readonly network: LoopbackNetwork
  readonly #dataPlane: DataPlane
  readonly #log: string[]

  private constructor(network: LoopbackNetwork, dataPlane: DataPlane, log: string[]) {
    this.network = network
    this.#dataPlane = dataPlane
    this.#log = log
  }

  /** Resolves when every listener serves. Rejects with what the data plane refuses. */
  static async start(mesh: LinkedMesh, node: ProxyNode, upstreams: ReadonlyMap<string, number>): Promise<MeshProxy> {
    const network = new LoopbackNetwork(upstreams)
    const log: string[] = []
    const logFiles: LogFiles = {
      open: () => ({ write: bytes => void log.push(bytes.toString('latin1')), close: async () => {} }),
    }
    const dataPlane = new DataPlane({
      clock: systemClock,
      // The same draws in every run: a share that is within its bound once is within it always.
      random: new SeededRandom(1),
      log: silentLog,
      network,
      logFiles,
      // Istio has no such header.
      reasonHeader: false,
    })
    const proxy = new MeshProxy(network, dataPlane, log)
    try {
      await proxy.#apply(mesh, node)
    } catch (error) {
      await proxy.stop()
      throw error
    }
    return proxy
  }

  async #apply(mesh: LinkedMesh, node: ProxyNode): Promise<void> {
    const resources = emit(mesh, node)
    const apply = (type: ResourceType, list: readonly XdsResource[]): readonly Problem[] =>
      this.#dataPlane.apply(
        type,
        list.map(({ message }) => message as ResourceMessage),
      )
    const problems = [
      ...apply('cluster', resources.clusters),
      ...apply('endpoint', resources.endpoints),
      ...apply('listener', resources.listeners),
      ...apply('route', resources.routes),
      ...(await this.#dataPlane.listeners.settled()),
    ]
    if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'))
    const deadline = systemClock.now() + READY_WITHIN_MS
    while (!this.#dataPlane.ready || this.network.listenerCount < resources.listeners.length) {
      if (systemClock.now() > deadline) throw new Error('the proxy does not get ready')
      await sleep(2)
    }
  }

  /** Ends every connection; the log is whole from then on. */
  stop(): Promise<void> {
    return this.#dataPlane.close()
  }

  /** A relayed connection is logged when both its ends have closed, which may be after its client's last byte. */
  async logged(lines: number): Promise<void> {
    for (let turn = 0; turn < LOGGED_WITHIN.turns && this.logLines().length < lines; turn++)
      await sleep(LOGGED_WITHIN.turnMs)
  }

  logLines(): readonly LogLine[] {
    // The data plane hands over one character for each byte.
    const text = Buffer.from(this.#log.join(''), 'latin1').toString()
    return text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as LogLine)
  }
}
