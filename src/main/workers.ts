// The further event loops of a proxy, as the main thread has them: told what it is told, asked what it is asked.
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type DescMessage, toBinary } from '@bufbuild/protobuf'
import type { LogLevel } from '../base/log.ts'
import { formatProblem, type Problem } from '../base/problem.ts'
import type { ReportPart, ReportPieces } from '../data-plane/admin/worker-report.ts'
import type { ClusterLoad } from '../data-plane/load-report/cluster-load.ts'
import type { MirrorDifference } from '../data-plane/mirror-differences.ts'
import type { ProxyIdentity } from '../data-plane/proxy.ts'
import type { ResourceApplier } from '../data-plane/xds-client/resource-applier.ts'
import type { ListeningDescriptor, ListeningSockets } from '../transport/net/inheritable-network.ts'
import {
  Bootstrap_StaticResourcesSchema,
  type Bootstrap_StaticResources as StaticResources,
} from '../xds/generated/envoy/config/bootstrap/v3/bootstrap_pb.ts'
import { RESOURCE_SCHEMA } from '../xds/resource-message.ts'
import type { WorkerCalls, WorkerReply, WorkerStart } from './worker-message.ts'

const ENTRY = new URL(`./worker-thread${extname(import.meta.filename)}`, import.meta.url)

/** One that has died was reported as that. */
const ignored = (): void => {}

export interface WorkerOwner {
  /** One has ended that was not told to; the others cannot make up for it. */
  onDeath(why: string): void
  /** Of one that has ended, in whatever way: nothing it has taken will be given back by itself. */
  onEnd(number: number): void
}

export class Workers implements ListeningSockets<readonly (readonly ListeningDescriptor[])[]> {
  readonly #threads: readonly WorkerThread[]
  #lastReport = 0

  constructor(starts: readonly WorkerStart[], owner: WorkerOwner) {
    this.#threads = starts.map((start, index) => new WorkerThread(index + 1, start, owner))
  }

  /** `own` first; a problem that several loops have is reported once. */
  applier(own: ResourceApplier): ResourceApplier {
    return {
      apply: async (type, resources, removed) => {
        const encoded = resources.map(({ name, version, message }) => {
          return { name, version, bytes: toBinary(RESOURCE_SCHEMA[type] as DescMessage, message) }
        })
        const { problems, bound } = await own.apply(type, resources, removed)
        const applied = this.#all('apply', { type, resources: encoded, removed })
        // Asked in the same breath, for the next might be applied before.
        const theirs = this.#all('bound', null).catch(() => [])
        return {
          problems: merged(problems, await applied),
          bound: Promise.all([bound, theirs]).then(([own, others]) => merged(own, others)),
        }
      },
      wanted: type => own.wanted(type),
    }
  }

  async applyStatic(resources: StaticResources | undefined): Promise<readonly Problem[]> {
    if (resources === undefined) return []
    return merged([], await this.#all('applyStatic', toBinary(Bootstrap_StaticResourcesSchema, resources)))
  }

  useIdentity(identity: ProxyIdentity): void {
    const tell = (): void => {
      const { keyPair, trustBundle } = identity
      this.#tell('identify', { keyPair: { ...keyPair }, trustBundle })
    }
    identity.onChange(tell)
    tell()
  }

  async areReady(): Promise<boolean> {
    return (await this.#all('isReady', null)).every(ready => ready)
  }

  /** One loop after the other. */
  async *report<Part extends ReportPart>(part: Part): AsyncGenerator<ReportPieces[Part]> {
    for (const thread of this.#threads) {
      const id = ++this.#lastReport
      try {
        for (;;) {
          const piece = await thread.ask('report', { id, part })
          if (piece === null) break
          yield piece as ReportPieces[Part]
          // A reply that is there by now would be taken in the same turn, and the one after it.
          await new Promise(setImmediate)
        }
      } finally {
        thread.ask('endReport', id).catch(ignored)
      }
    }
  }

  mirrorDifferences(): Promise<readonly (readonly MirrorDifference[])[]> {
    return this.#all('mirrorDifferences', null)
  }

  loads(clusters: readonly string[]): Promise<readonly (readonly ClusterLoad[])[]> {
    return this.#all('loads', clusters)
  }

  /** What a successor's workers are to inherit, in their order. */
  lend(): Promise<readonly (readonly ListeningDescriptor[])[]> {
    return this.#all('lend', null)
  }

  async freeze(): Promise<boolean> {
    return (await this.#all('freeze', null)).every(unchanged => unchanged)
  }

  release(): void {
    this.#tell('release', null)
  }

  async handOver(): Promise<void> {
    await Promise.allSettled(this.#threads.map(thread => thread.ask('handOver', null)))
  }

  async bindPostponed(): Promise<void> {
    const failure = (await this.#all('bindPostponed', null)).find(why => why !== '')
    if (failure !== undefined) throw new Error(failure)
  }

  async acceptInherited(): Promise<void> {
    await this.#all('acceptInherited', null)
  }

  predecessorIsGone(): void {
    this.#tell('predecessorIsGone', null)
  }

  async drain(limitMs: number, sparesIdle = false): Promise<void> {
    // One that has died has nothing left to drain, and is no reason to cut short the others.
    await Promise.allSettled(this.#threads.map(thread => thread.ask('drain', { limitMs, sparesIdle })))
  }

  failHealthChecks(failed: boolean): void {
    this.#tell('failHealthChecks', failed)
  }

  sendAway(): void {
    this.#tell('sendAway', null)
  }

  reopenLogs(): void {
    this.#tell('reopenLogs', null)
  }

  resetCounters(): void {
    this.#tell('resetCounters', null)
  }

  setLogLevel(level: LogLevel): void {
    this.#tell('setLogLevel', level)
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(thread => thread.close()))
  }

  #tell<Name extends keyof WorkerCalls>(name: Name, argument: WorkerCalls[Name][0]): void {
    this.#all(name, argument).catch(ignored)
  }

  #all<Name extends keyof WorkerCalls>(
    name: Name,
    argument: WorkerCalls[Name][0],
  ): Promise<readonly WorkerCalls[Name][1][]> {
    return Promise.all(this.#threads.map(thread => thread.ask(name, argument)))
  }
}

class WorkerThread {
  readonly #worker: Worker
  readonly #exited: Promise<void>
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  #lastId = 0
  #closing = false
  #ended: Error | null = null

  constructor(number: number, start: WorkerStart, owner: WorkerOwner) {
    this.#worker = new Worker(ENTRY, { name: `worker ${number}`, workerData: start })
    this.#worker.on('message', ({ id, result }: WorkerReply) => {
      this.#waiting.get(id)?.resolve(result as never)
      this.#waiting.delete(id)
    })
    this.#worker.on('error', error => owner.onDeath(`worker ${number}: ${(error as Error).stack ?? error}`))
    this.#exited = new Promise(resolve => {
      this.#worker.once('exit', code => {
        this.#ended = new Error(`worker ${number} ended with code ${code}`)
        for (const { reject } of this.#waiting.values()) reject(this.#ended)
        owner.onEnd(number)
        if (!this.#closing) owner.onDeath(this.#ended.message)
        resolve()
      })
    })
  }

  ask<Name extends keyof WorkerCalls>(name: Name, argument: WorkerCalls[Name][0]): Promise<WorkerCalls[Name][1]> {
    if (this.#ended) return Promise.reject(this.#ended)
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, name, argument })
    })
  }

  async close(): Promise<void> {
    this.#closing = true
    this.ask('close', null).catch(ignored)
    await this.#exited
  }
}

function merged(own: readonly Problem[], others: readonly (readonly Problem[])[]): Problem[] {
  const byText = new Map<string, Problem>()
  for (const problem of [...own, ...others.flat()]) {
    const text = formatProblem(problem)
    if (!byText.has(text)) byText.set(text, problem)
  }
  return [...byText.values()]
}
