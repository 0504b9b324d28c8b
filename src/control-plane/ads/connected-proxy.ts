// One proxy on one stream: who it is, kept true as the registry changes, and its stream.
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { ProxyStatus } from '../status/proxy-status.ts'
import type { Caller } from './admission.ts'
import type { ClaimedNode } from './node.ts'
import type { ProxyStream } from './proxy-stream.ts'

export interface ConnectedProxy {
  readonly claimed: ClaimedNode
  readonly caller: Caller
  readonly status: ProxyStatus
  readonly stream: ProxyStream
  /** Ends the stream with a status code and its reason. */
  readonly end: (code: number, reason: string) => void
  node: ProxyNode
}
