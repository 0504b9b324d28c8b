// How an endpoint is asked, whatever is spoken: one check at a time, over a connection that may be kept for the next.
import type { CheckResult } from './check-state.ts'

export interface ProbeOwner {
  /** Once for each check. `excludes`: the answer has x-envoy-immediate-health-check-fail. */
  onResult(result: CheckResult, excludes: boolean): void
  /** The answer's x-envoy-upstream-healthchecked-cluster was looked at. */
  onClusterVerified(): void
}

export interface Probe {
  start(): void
  /** There was no answer in time: none is wanted any more. */
  giveUp(): void
  /** For good. */
  close(): void
}
