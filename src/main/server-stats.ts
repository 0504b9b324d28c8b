// Envoy's `server.` statistics: of the process, whatever its config says. Those of memory are V8's in the place of tcmalloc's.
import type { Clock } from '../base/clock.ts'
import type { ServerState } from '../data-plane/admin/admin-pages.ts'
import { daysUntilFirstExpiry } from '../data-plane/admin/certs-page.ts'
import type { Counter, StatsScope } from '../data-plane/stats/stats-scope.ts'
import type { TlsMaterial } from '../data-plane/transport-socket/tls-context.ts'

/** Envoy's numbers for them (admin.v3.ServerInfo.State). */
const STATE_NUMBER: Readonly<Record<ServerState, number>> = {
  LIVE: 0,
  DRAINING: 1,
  PRE_INITIALIZING: 2,
  INITIALIZING: 3,
}

export interface ServerFacts {
  readonly clock: Clock
  /** How many hot restarts led to this process. */
  readonly epoch: number
  /** Event loops. */
  readonly concurrency: number
  state(): ServerState
  tlsMaterials(): Iterable<TlsMaterial>
}

export class ServerStats {
  readonly bugs: Counter
  readonly #root: StatsScope
  readonly #clock: Clock
  readonly #startedAt: number

  constructor(root: StatsScope, { clock, epoch, concurrency, state, tlsMaterials }: ServerFacts) {
    this.#root = root
    this.#clock = clock
    this.#startedAt = clock.now()
    this.bugs = loopStats(root)
    const scope = root.scope('server')
    scope.computedGauge('hot_restart_epoch', () => epoch)
    scope.computedGauge('concurrency', () => concurrency)
    scope.computedGauge('live', () => (state() === 'DRAINING' ? 0 : 1))
    scope.computedGauge('state', () => STATE_NUMBER[state()])
    scope.computedGauge('uptime', () => Math.floor(this.#sinceStart() / 1000))
    const daysLeft = (): number => daysUntilFirstExpiry(tlsMaterials(), clock.wallNow())
    scope.computedGauge('days_until_first_cert_expiring', daysLeft)
    scope.computedGauge('memory_physical_size', () => process.memoryUsage.rss())
  }

  onLive(): void {
    this.#root.scope('server').histogram('initialization_time_ms').record(this.#sinceStart())
  }

  #sinceStart(): number {
    return this.#clock.now() - this.#startedAt
  }
}

/** What each event loop has of its own. Gives the counter of invariants that turned out to be broken. */
export function loopStats(root: StatsScope): Counter {
  const scope = root.scope('server')
  scope.computedLoopGauge('memory_allocated', () => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  })
  scope.computedLoopGauge('memory_heap_size', () => {
    const { heapTotal, external } = process.memoryUsage()
    return heapTotal + external
  })
  return scope.counter('envoy_bug_failures')
}
