// What Envoy's HTTP/2 codec counts of clients that break its rules, below `http2.`.
import { DETAILS } from '../../transport/http2/error-code.ts'
import type { Counter, StatsScope } from '../stats/stats-scope.ts'

/** The names of the counters by the details of the fault. */
const FAULTS: Readonly<Record<string, string>> = {
  [DETAILS.invalidField]: 'rx_messaging_error',
  [DETAILS.messaging]: 'rx_messaging_error',
  [DETAILS.tooManyHeaders]: 'header_overflow',
  [DETAILS.headersTooLarge]: 'header_list_size_too_large',
  [DETAILS.streamLimit]: 'stream_refused_errors',
}

const FLOODS: Readonly<Record<string, string>> = {
  [DETAILS.emptyFrameFlood]: 'inbound_empty_frames_flood',
  [DETAILS.priorityFlood]: 'inbound_priority_frames_flood',
  [DETAILS.windowUpdateFlood]: 'inbound_window_update_frames_flood',
  [DETAILS.outboundFlood]: 'outbound_flood',
  [DETAILS.outboundControlFlood]: 'outbound_control_flood',
}

export class Http2CodecStats {
  readonly #faults: Readonly<Record<string, Counter>>
  readonly #floods: Readonly<Record<string, Counter>>

  /** `root`: these are the process's, not one connection manager's. */
  constructor(root: StatsScope) {
    const scope = root.scope('http2')
    this.#faults = counters(scope, FAULTS)
    this.#floods = counters(scope, FLOODS)
  }

  countFault(details: string): void {
    const counter = this.#faults[details]
    if (counter !== undefined) counter.value++
  }

  /** Whether it was one that has a counter: Envoy does not take those for errors of the protocol. */
  countFlood(details: string): boolean {
    const counter = this.#floods[details]
    if (counter === undefined) return false
    counter.value++
    return true
  }
}

function counters(scope: StatsScope, names: Readonly<Record<string, string>>): Readonly<Record<string, Counter>> {
  const found: Record<string, Counter> = {}
  for (const [details, name] of Object.entries(names)) found[details] = scope.counter(name)
  return found
}
