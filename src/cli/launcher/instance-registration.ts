// A workload's place in the registry: registered, kept by renewing its lease, taken out, and put back after a restart of
// the control plane that no longer knows it.
import type { Timer } from '../../base/clock.ts'
import type { Workload } from '../../model/workload.ts'
import { type ApiClient, ApiError } from '../client/api-client.ts'
import type { LauncherHost } from './launcher-host.ts'
import type { HealthCheckSpec } from './workload-spec.ts'

export type InstanceBody = Omit<Workload, 'healthy'>

const LEASE_SECONDS = 2
const RENEW_EVERY_MS = 600
const REQUEST_TIMEOUT_MS = 2000
/** Checked in vain: an instance that is not to be routed to stays registered, and its proxy keeps its config. */
const STANDING_BY: HealthCheckSpec = { intervalMs: 3_600_000, healthyThreshold: 100 }

export class InstanceRegistration {
  readonly #host: LauncherHost
  readonly #api: ApiClient
  readonly #instance: InstanceBody
  readonly #healthCheck: HealthCheckSpec | null
  #serving = false
  #timer: Timer | null = null
  #closed = false

  /** `healthCheck` null: healthy while its lease is kept; a gateway has nothing else to check. */
  constructor(host: LauncherHost, api: ApiClient, instance: InstanceBody, healthCheck: HealthCheckSpec | null) {
    this.#host = host
    this.#api = api
    this.#instance = instance
    this.#healthCheck = healthCheck
  }

  /** Registers, out of routing as yet; rejects when the control plane refuses. */
  async register(): Promise<void> {
    await this.#put()
    this.#schedule()
  }

  /** True puts it in routing as soon as its health check passes; false takes it out at once. */
  async setServing(serving: boolean): Promise<void> {
    if (this.#serving === serving || this.#closed) return
    this.#serving = serving
    await this.#put()
  }

  async isHealthy(): Promise<boolean> {
    const answer = await this.#api.get<Workload | { readonly instance: Workload }>(this.#path(), REQUEST_TIMEOUT_MS)
    return ('instance' in answer ? answer.instance : answer).healthy
  }

  /** Out of the registry for good; a control plane that does not answer learns it when the lease ends. */
  async deregister(): Promise<void> {
    this.close()
    await this.#api.delete(this.#path(), REQUEST_TIMEOUT_MS).catch(() => {})
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #path(): string {
    return `/v1/instances/${this.#instance.namespace}/${this.#instance.name}`
  }

  #put(): Promise<unknown> {
    const check =
      this.#serving || this.#healthCheck === null ? this.#healthCheck : { ...this.#healthCheck, ...STANDING_BY }
    return this.#api.put(
      this.#path(),
      { ...this.#instance, leaseSeconds: LEASE_SECONDS, ...(check === null ? {} : { healthCheck: check }) },
      REQUEST_TIMEOUT_MS,
    )
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer = this.#host.clock.setTimer(RENEW_EVERY_MS, () => void this.#renew())
  }

  async #renew(): Promise<void> {
    try {
      await this.#api.post(`${this.#path()}/renew`, {}, REQUEST_TIMEOUT_MS)
    } catch (error) {
      // 404: a control plane that has forgotten us, or found our lease expired while this process stood still.
      if (error instanceof ApiError && error.status === 404 && !this.#closed) await this.#put().catch(() => {})
    }
    this.#schedule()
  }
}
