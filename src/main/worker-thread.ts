// One more event loop: a data plane that is told by the main thread what the main thread's own is told.
import { parentPort, workerData } from 'node:worker_threads'
import { fromBinary } from '@bufbuild/protobuf'
import { AdjustableLog } from '../base/adjustable-log.ts'
import { onBug } from '../base/bug.ts'
import { clockSince } from '../base/clock.ts'
import type { Problem } from '../base/problem.ts'
import { systemRandom } from '../base/random.ts'
import { SharedSlots } from '../base/shared-slots.ts'
import { systemLogFiles } from '../data-plane/access-log/log-file.ts'
import { type ReportPart, type ReportPieces, reportOf } from '../data-plane/admin/worker-report.ts'
import { loadsOf } from '../data-plane/load-report/cluster-load.ts'
import { sharedLimits } from '../data-plane/process-limits/shared-limits.ts'
import { applierFor, Proxy as DataPlaneProxy, type ProxyIdentity } from '../data-plane/proxy.ts'
import { applyStaticResources } from '../data-plane/static-config.ts'
import { InheritableNetwork } from '../transport/net/inheritable-network.ts'
import { reusePortNetwork } from '../transport/net/reuse-port-network.ts'
import type { KeyPair } from '../transport/tls/secure-context.ts'
import { Bootstrap_StaticResourcesSchema } from '../xds/generated/envoy/config/bootstrap/v3/bootstrap_pb.ts'
import { decodeResource } from '../xds/resource-message.ts'
import { certificateFolder } from './certificate-folder.ts'
import { checkedClusters } from './checked-clusters.ts'
import { loopStats } from './server-stats.ts'
import { toStandardError } from './standard-error.ts'
import { releaseStartupMemory } from './startup-memory.ts'
import type { WorkerCalls, WorkerRequest, WorkerStart } from './worker-message.ts'

/** The main thread's, as it was last heard of. */
class HeardIdentity implements ProxyIdentity {
  keyPair: KeyPair
  trustBundle: string
  readonly #listeners: (() => void)[] = []

  constructor(keyPair: KeyPair, trustBundle: string) {
    this.keyPair = keyPair
    this.trustBundle = trustBundle
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** The main thread takes it, and tells everybody. */
  takeTrustBundle(): void {}

  change(keyPair: KeyPair, trustBundle: string): void {
    this.keyPair = keyPair
    this.trustBundle = trustBundle
    for (const listener of this.#listeners) listener()
  }
}

const port = parentPort!
const { logLevel, inherited, stateDir, limits, clockOrigin, ...settings } = workerData as WorkerStart
const clock = clockSince(clockOrigin)
const log = new AdjustableLog('proxy', logLevel, clock, toStandardError)
const network = new InheritableNetwork(reusePortNetwork, inherited)
const proxy = new DataPlaneProxy({
  ...settings,
  clock,
  random: systemRandom,
  log,
  network,
  logFiles: systemLogFiles(clock),
  ...(stateDir === undefined ? {} : { certificates: certificateFolder(stateDir) }),
  limits: sharedLimits(new SharedSlots(limits.memory, limits.loop), log),
  residentBytes: () => process.memoryUsage.rss(),
})
const applier = applierFor(proxy)
let identity: HeardIdentity | null = null
let bound: Promise<readonly Problem[]> = Promise.resolve([])
/** Under way, by number. */
const reports = new Map<number, Iterator<ReportPieces[ReportPart]>>()
const bugs = loopStats(proxy.stats.root)
onBug(message => {
  bugs.value += 1
  log.error('broken invariant', { message })
})

type Calls = { readonly [Name in keyof WorkerCalls]: (argument: WorkerCalls[Name][0]) => Promise<WorkerCalls[Name][1]> }

const CALLS: Calls = {
  async apply({ type, resources, removed }) {
    const decoded = resources.map(({ name, version, bytes }) => ({
      name,
      version,
      message: decodeResource(type, bytes),
    }))
    const applied = applier.apply(type, decoded, removed)
    bound = applied.then(({ bound }) => bound)
    return (await applied).problems
  },
  bound: () => bound,
  async applyStatic(bytes) {
    const refused = applyStaticResources(proxy, fromBinary(Bootstrap_StaticResourcesSchema, bytes))
    await checkedClusters(proxy)
    return [...refused, ...(await proxy.listeners.settled())]
  },
  async identify({ keyPair, trustBundle }) {
    if (identity) identity.change(keyPair, trustBundle)
    else {
      identity = new HeardIdentity(keyPair, trustBundle)
      proxy.useIdentity(identity)
    }
    return null
  },
  isReady: async () => proxy.ready,
  async report({ id, part }) {
    const pieces = reports.get(id) ?? reportOf(proxy, part)[Symbol.iterator]()
    reports.set(id, pieces)
    const { done, value } = pieces.next()
    return done ? null : value
  },
  async endReport(id) {
    reports.delete(id)
    return null
  },
  mirrorDifferences: async () => proxy.mirrorDifferences.last,
  loads: async names => loadsOf(proxy.clusters, names),
  lend: () => network.lend(),
  freeze: () => network.freeze(),
  async release() {
    network.release()
    return null
  },
  async handOver() {
    await network.handOver()
    return null
  },
  async bindPostponed() {
    return network.bindPostponed().then(
      () => '',
      (error: Error) => error.message,
    )
  },
  async acceptInherited() {
    releaseStartupMemory()
    await network.acceptInherited()
    return null
  },
  async predecessorIsGone() {
    network.predecessorIsGone()
    return null
  },
  async drain({ limitMs, sparesIdle }) {
    await proxy.drain(limitMs, sparesIdle)
    return null
  },
  async failHealthChecks(failed) {
    proxy.failHealthChecks(failed)
    return null
  },
  async sendAway() {
    proxy.sendAway()
    return null
  },
  async reopenLogs() {
    proxy.reopenLogs()
    return null
  },
  async resetCounters() {
    proxy.stats.resetCounters()
    return null
  },
  async setLogLevel(level) {
    log.level = level
    return null
  },
  async close() {
    await proxy.close()
    // Nothing more can be asked: the thread ends by itself.
    setImmediate(() => port.close())
    return null
  },
}

port.on('message', async ({ id, name, argument }: WorkerRequest) => {
  const call = CALLS[name] as (argument: unknown) => Promise<unknown>
  port.postMessage({ id, result: await call(argument) })
})
