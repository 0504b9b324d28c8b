// What every pool is made of.
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Cluster, Endpoint } from '../cluster/cluster.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'

export interface PoolSetup {
  readonly cluster: Cluster
  readonly endpoint: Endpoint
  readonly wheel: TimerWheel
  readonly transport: UpstreamTransport
  /** Called when it was drained, and its last connection is gone. */
  readonly onEmpty: () => void
}
