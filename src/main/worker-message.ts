// What the main thread asks of a worker, and what it is told: all of it structured-cloneable.
import type { LogLevel } from '../base/log.ts'
import type { Problem } from '../base/problem.ts'
import type { ReportPart, ReportPieces } from '../data-plane/admin/worker-report.ts'
import type { ClusterLoad } from '../data-plane/load-report/cluster-load.ts'
import type { MirrorDifference } from '../data-plane/mirror-differences.ts'
import type { OverloadConfig } from '../data-plane/overload/overload-config.ts'
import type { ListeningDescriptor } from '../transport/net/inheritable-network.ts'
import type { KeyPair } from '../transport/tls/secure-context.ts'
import type { ResourceType } from '../xds/type-url.ts'

/** What is counted for all loops of the process. */
export interface SharedLimitsStart {
  readonly memory: SharedArrayBuffer
  /** The worker's number; the main thread's is 0. */
  readonly loop: number
}

/** Given to a worker when it starts. */
export interface WorkerStart {
  readonly logLevel: LogLevel
  readonly reasonHeader: boolean
  readonly serviceCluster: string
  readonly maxConnections?: number
  readonly overload?: OverloadConfig
  readonly drainTimeMs?: number
  readonly gradualDrainMs?: number
  readonly limits: SharedLimitsStart
  /** Of the main thread: deadlines that loops have in common are in its time. */
  readonly clockOrigin: number
  /** Whose certificates config may name. */
  readonly stateDir?: string
  /** From the predecessor's worker of the same number; null without one. */
  readonly inherited: readonly ListeningDescriptor[] | null
}

export interface EncodedResource {
  readonly name: string
  readonly version: string
  readonly bytes: Uint8Array
}

/** By name: what is handed over, and what comes back. */
export interface WorkerCalls {
  readonly apply: [
    {
      readonly type: ResourceType
      readonly resources: readonly EncodedResource[]
      readonly removed: readonly string[]
    },
    readonly Problem[],
  ]
  /** Of what was applied last. */
  readonly bound: [null, readonly Problem[]]
  /** A bootstrap's static_resources, encoded; resolves when every listener has tried to bind. */
  readonly applyStatic: [Uint8Array, readonly Problem[]]
  readonly identify: [{ readonly keyPair: KeyPair; readonly trustBundle: string }, null]
  readonly isReady: [null, boolean]
  /** The next piece of what was asked for by that number first; null: it was all. */
  readonly report: [{ readonly id: number; readonly part: ReportPart }, ReportPieces[ReportPart] | null]
  readonly endReport: [number, null]
  readonly mirrorDifferences: [null, readonly MirrorDifference[]]
  /** Of clusters by name. */
  readonly loads: [readonly string[], readonly ClusterLoad[]]
  /** These are ListeningSockets, called by name. */
  readonly lend: [null, readonly ListeningDescriptor[]]
  readonly freeze: [null, boolean]
  readonly release: [null, null]
  readonly handOver: [null, null]
  /** What could not be bound, and why; empty: nothing. */
  readonly bindPostponed: [null, string]
  readonly acceptInherited: [null, null]
  readonly predecessorIsGone: [null, null]
  readonly drain: [{ readonly limitMs: number; readonly sparesIdle: boolean }, null]
  readonly failHealthChecks: [boolean, null]
  readonly sendAway: [null, null]
  readonly reopenLogs: [null, null]
  readonly resetCounters: [null, null]
  readonly setLogLevel: [LogLevel, null]
  /** Ends everything, and the thread. */
  readonly close: [null, null]
}

export interface WorkerRequest<Name extends keyof WorkerCalls = keyof WorkerCalls> {
  readonly id: number
  readonly name: Name
  readonly argument: WorkerCalls[Name][0]
}

export interface WorkerReply {
  readonly id: number
  readonly result: unknown
}
