import type { Child } from '../harness/child.ts'
import type { Scenario } from './scenario.ts'
import type { TlsFiles } from './tls-files.ts'

export interface ContestantRun {
  readonly scenario: Scenario
  /** Its own, for its config and logs. */
  readonly directory: string
  /** Where it listens, and where it forwards to, on loopback. */
  readonly port: number
  readonly upstreamPort: number
  readonly tls: TlsFiles
  readonly workers: number
}

/** A proxy to be measured: everything that a mesh needs switched on, forwarding to one upstream. */
export interface Contestant {
  readonly name: string
  /** Why it cannot take part in this here, or undefined. */
  missing(scenario: Scenario, workers: number): string | undefined
  start(run: ContestantRun): Child
}
