// The times that bound a request: the route's, and that of each try. Both run from the moment the request is complete: a slow
// client is not the upstream's fault (Envoy).
import { WheelTimer } from '../../../../base/timer-wheel.ts'
import { closeBatch, openBatch } from '../../../../transport/http/write-batch.ts'
import type { ForwardRoute } from '../../../route/route-entry.ts'
import type { TerminalStream } from '../contract/http-filter.ts'
import type { RouterConfig } from './config.ts'
import { setExpectedTimeout } from './finalize-request.ts'
import { HeldRequest } from './held-request.ts'

const TIMER = { route: 0, perTry: 1 } as const

export abstract class TimedRequest extends HeldRequest {
  protected readonly config: RouterConfig
  /** When the route's time began to run, where that was after the request was whole. */
  #timedSince = 0
  #routeTimer: WheelTimer | null = null
  #perTryTimer: WheelTimer | null = null

  constructor(stream: TerminalStream, config: RouterConfig) {
    super(stream)
    this.config = config
  }

  protected abstract onRouteTimeout(): void
  protected abstract onPerTryTimeout(): void

  onTimer(timer: WheelTimer): void {
    openBatch()
    if (timer.purpose === TIMER.perTry) this.onPerTryTimeout()
    else this.onRouteTimeout()
    closeBatch()
  }

  protected startRouteTimer({ timeoutMs }: ForwardRoute): void {
    if (timeoutMs <= 0) return
    this.#routeTimer ??= new WheelTimer(this, TIMER.route)
    this.config.wheel.set(this.#routeTimer, timeoutMs)
  }

  /** Another destination has the route's time anew. */
  protected renewTime(): void {
    this.#timedSince = this.config.clock.now()
  }

  /** Before another try: it has what is left of the route's time. */
  protected tellTimeLeft(route: ForwardRoute): void {
    const { clock, suppressEnvoyHeaders } = this.config
    if (suppressEnvoyHeaders) return
    const since = Math.max(this.stream.requestCompletedAt, this.#timedSince)
    setExpectedTimeout(this.head.headers, route, this.isWhole ? clock.now() - since : 0)
  }

  protected startPerTryTimer({ retry }: ForwardRoute): void {
    const timeoutMs = retry?.perTryTimeoutMs ?? 0
    if (timeoutMs <= 0) return
    this.#perTryTimer ??= new WheelTimer(this, TIMER.perTry)
    this.config.wheel.set(this.#perTryTimer, timeoutMs)
  }

  protected stopRouteTimer(): void {
    if (this.#routeTimer !== null) this.config.wheel.cancel(this.#routeTimer)
  }

  protected stopPerTryTimer(): void {
    if (this.#perTryTimer !== null) this.config.wheel.cancel(this.#perTryTimer)
  }
}
