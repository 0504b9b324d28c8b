// Where the checks of one endpoint go, and how connections to it are made.
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Endpoint } from '../cluster/cluster.ts'
import type { ConnectionSettings } from '../pool/connection-settings.ts'

export interface CheckTarget {
  /** With the address and port of checks. */
  readonly endpoint: Endpoint
  readonly settings: ConnectionSettings
  readonly wheel: TimerWheel
  readonly clusterName: string
  /** Host or :authority, where the endpoint's own config names one. */
  readonly authority: string
  readonly reusesConnection: boolean
}
