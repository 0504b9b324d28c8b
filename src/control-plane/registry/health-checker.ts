// Active health checks of all instances that ask for them: a bounded number at a time, spread by jitter.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Network } from '../../transport/net/network.ts'
import type { HealthCheckConfig } from './health-check-config.ts'
import { type ProbeCheck, type ProbeResult, type ProbeTarget, probe } from './probe.ts'

export interface HealthCheckSubject {
  readonly address: string
  readonly port: number
  readonly config: HealthCheckConfig
}

interface Watched {
  readonly subject: HealthCheckSubject
  readonly report: (healthy: boolean, detail: string) => void
  healthy: boolean
  /** Results in a row that contradict `healthy`. */
  contradictions: number
  timer: Timer | null
  /** No longer wanted; a check still under way is then not heard. */
  dropped: boolean
}

const MAX_CONCURRENT = 64
const JITTER = 0.1
const MAX_EAGER_INTERVAL_MS = 60_000

export class HealthChecker {
  readonly #clock: Clock
  readonly #random: Random
  readonly #network: Network
  readonly #watched = new Map<string, Watched>()
  readonly #waiting: Watched[] = []
  #running = 0

  constructor(clock: Clock, random: Random, network: Network) {
    this.#clock = clock
    this.#random = random
    this.#network = network
  }

  /**
   * Checks every interval, and the first time at once unless the interval is long: whoever checks that rarely asks to be
   * left alone at first (the launcher keeps an instance out of routing so while its application is not up).
   * `report` is called when the verdict turns.
   */
  watch(id: string, subject: HealthCheckSubject, healthy: boolean, report: Watched['report']): void {
    this.unwatch(id)
    const watched: Watched = { subject, report, healthy, contradictions: 0, timer: null, dropped: false }
    this.#watched.set(id, watched)
    if (subject.config.intervalMs <= MAX_EAGER_INTERVAL_MS) this.#enqueue(watched)
    else this.#schedule(watched)
  }

  unwatch(id: string): void {
    const watched = this.#watched.get(id)
    watched?.timer?.cancel()
    this.#watched.delete(id)
    if (watched === undefined) return
    watched.dropped = true
    const index = this.#waiting.indexOf(watched)
    if (index >= 0) this.#waiting.splice(index, 1)
  }

  close(): void {
    for (const id of [...this.#watched.keys()]) this.unwatch(id)
  }

  #enqueue(watched: Watched): void {
    this.#waiting.push(watched)
    this.#drain()
  }

  #drain(): void {
    while (this.#running < MAX_CONCURRENT) {
      const watched = this.#waiting.shift()
      if (watched === undefined) return
      this.#running++
      probe(this.#network, this.#clock, targetOf(watched.subject)).then(result => {
        this.#running--
        this.#judge(watched, result)
        this.#drain()
      })
    }
  }

  #judge(watched: Watched, result: ProbeResult): void {
    if (watched.dropped) return
    const { config } = watched.subject
    watched.contradictions = result.healthy === watched.healthy ? 0 : watched.contradictions + 1
    const threshold = result.healthy ? config.healthyThreshold : config.unhealthyThreshold
    if (watched.contradictions >= threshold) {
      watched.healthy = result.healthy
      watched.contradictions = 0
      watched.report(result.healthy, result.detail)
    }
    this.#schedule(watched)
  }

  #schedule(watched: Watched): void {
    const jitter = 1 + JITTER * (2 * this.#random.next() - 1)
    const delayMs = watched.subject.config.intervalMs * jitter
    watched.timer = this.#clock.setTimer(delayMs, () => this.#enqueue(watched))
  }
}

function targetOf(subject: HealthCheckSubject): ProbeTarget {
  const { config } = subject
  return {
    address: subject.address,
    port: subject.port,
    check: checkOf(config),
    timeoutMs: config.timeoutMs,
  }
}

function checkOf({ http, grpc }: HealthCheckConfig): ProbeCheck {
  if (grpc) return { kind: 'grpc', service: grpc.service ?? '' }
  return http ? { kind: 'http', path: http.path, tls: http.tls ?? false, headers: http.headers ?? [] } : { kind: 'tcp' }
}
