// Services and their running instances. An instance counts while it renews its lease; traffic reaches the healthy ones.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { RegistryService } from '../../model/registry-service.ts'
import type { Workload } from '../../model/workload.ts'
import type { Network } from '../../transport/net/network.ts'
import { HealthChecker, type HealthCheckSubject } from './health-checker.ts'
import {
  type InstanceKey,
  type InstanceRegistration,
  instanceId,
  type RegisteredInstance,
  workloadOf,
} from './instance.ts'
import { LeaseTable } from './lease-table.ts'

/**
 * After a restart of the control plane the instances known before keep their place this long without a renewal, so
 * that a proxy that reconnects at once is told what it knows already.
 */
export const RESTART_GRACE_MS = 5000

/** Workloads that left are remembered for the proxies beside them, which still drain; the oldest go first. */
const MAX_DEPARTED = 10_000

export interface RegistryParts {
  readonly database: DatabaseSync
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly log: Log
}

export class Registry {
  readonly #log: Log
  readonly #leases: LeaseTable
  readonly #health: HealthChecker
  readonly #services = new Map<string, RegistryService>()
  readonly #instances = new Map<string, RegisteredInstance>()
  readonly #departed = new Map<string, Workload>()
  readonly #listeners: (() => void)[] = []
  readonly #putService: StatementSync
  readonly #deleteService: StatementSync
  readonly #putInstance: StatementSync
  readonly #setHealthy: StatementSync
  readonly #deleteInstance: StatementSync
  #notifying = false

  constructor(parts: RegistryParts) {
    const { database } = parts
    this.#log = parts.log
    this.#leases = new LeaseTable(parts.clock, id => this.#expire(id))
    this.#health = new HealthChecker(parts.clock, parts.random, parts.network)
    this.#putService = database.prepare('INSERT OR REPLACE INTO service VALUES (?, ?, ?)')
    this.#deleteService = database.prepare('DELETE FROM service WHERE namespace = ? AND name = ?')
    this.#putInstance = database.prepare('INSERT OR REPLACE INTO instance VALUES (?, ?, ?, ?)')
    this.#setHealthy = database.prepare('UPDATE instance SET healthy = ? WHERE namespace = ? AND name = ?')
    this.#deleteInstance = database.prepare('DELETE FROM instance WHERE namespace = ? AND name = ?')
    this.#restore(database)
  }

  /** Called once after any number of changes made in the same turn of the event loop. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** By namespace and name. */
  services(): readonly RegistryService[] {
    return sorted(this.#services)
  }

  service(key: InstanceKey): RegistryService | undefined {
    return this.#services.get(instanceId(key))
  }

  putService(service: RegistryService): void {
    const body = JSON.stringify(service)
    if (body === JSON.stringify(this.service(service))) return
    this.#putService.run(service.namespace, service.name, body)
    this.#services.set(instanceId(service), service)
    this.#changed()
  }

  /** False: no such service. */
  deleteService(key: InstanceKey): boolean {
    if (!this.#services.delete(instanceId(key))) return false
    this.#deleteService.run(key.namespace, key.name)
    this.#changed()
    return true
  }

  instances(): readonly RegisteredInstance[] {
    return sorted(this.#instances)
  }

  instance(key: InstanceKey): RegisteredInstance | undefined {
    return this.#instances.get(instanceId(key))
  }

  /** Every leased instance; `healthy` says which of them may become endpoints. */
  workloads(): readonly Workload[] {
    return this.instances().map(workloadOf)
  }

  /** The workload of a proxy: also one that has left lately, whose proxy still serves what it had accepted. */
  workloadForProxy(key: InstanceKey): Workload | null {
    const instance = this.instance(key)
    return instance ? workloadOf(instance) : (this.#departed.get(instanceId(key)) ?? null)
  }

  /** Registers or replaces, and grants the lease. The same registration again is only a renewal. */
  register(registration: InstanceRegistration): RegisteredInstance {
    const { workload, healthCheck } = registration
    const id = instanceId(workload)
    this.#leases.grant(id, registration.leaseSeconds * 1000)
    const known = this.#instances.get(id)
    if (known && sameRegistration(known, registration)) return known
    const same = known !== undefined && sameCheck(known, registration)
    const healthy = healthCheck === null || (same && known.healthy)
    const instance = { ...registration, healthy, healthDetail: same ? known.healthDetail : '' }
    this.#putInstance.run(workload.namespace, workload.name, JSON.stringify(registration), Number(healthy))
    this.#instances.set(id, instance)
    this.#departed.delete(id)
    if (!same) this.#watchHealth(instance)
    this.#changed()
    return instance
  }

  /** False: the instance is not known (any more) and has to register again. */
  renew(key: InstanceKey): boolean {
    return this.#leases.renew(instanceId(key))
  }

  /** False: no such instance. */
  deregister(key: InstanceKey): boolean {
    const id = instanceId(key)
    if (!this.#instances.has(id)) return false
    this.#leases.drop(id)
    this.#remove(id)
    return true
  }

  close(): void {
    this.#leases.close()
    this.#health.close()
  }

  #expire(id: string): void {
    this.#log.warn('lease ran out: instance removed', { instance: id })
    this.#remove(id)
  }

  #remove(id: string): void {
    const instance = this.#instances.get(id)
    if (instance === undefined) return
    const { namespace, name } = instance.workload
    this.#instances.delete(id)
    this.#health.unwatch(id)
    this.#deleteInstance.run(namespace, name)
    this.#departed.set(id, { ...workloadOf(instance), healthy: false })
    const oldest = this.#departed.keys().next().value
    if (this.#departed.size > MAX_DEPARTED && oldest !== undefined) this.#departed.delete(oldest)
    this.#changed()
  }

  #watchHealth(instance: RegisteredInstance): void {
    const id = instanceId(instance.workload)
    this.#health.unwatch(id)
    const subject = checkSubject(instance)
    if (subject === null) return
    this.#health.watch(id, subject, instance.healthy, (healthy, detail) => this.#turn(id, healthy, detail))
  }

  #turn(id: string, healthy: boolean, healthDetail: string): void {
    const instance = this.#instances.get(id)
    if (instance === undefined) return
    this.#log.info(healthy ? 'instance is healthy' : 'instance is unhealthy', { instance: id, detail: healthDetail })
    this.#instances.set(id, { ...instance, healthy, healthDetail })
    this.#setHealthy.run(Number(healthy), instance.workload.namespace, instance.workload.name)
    this.#changed()
  }

  #restore(database: DatabaseSync): void {
    for (const row of database.prepare('SELECT body FROM service').all()) {
      const service = JSON.parse(String(row['body'])) as RegistryService
      this.#services.set(instanceId(service), service)
    }
    for (const row of database.prepare('SELECT body, healthy FROM instance').all()) {
      const registration = JSON.parse(String(row['body'])) as InstanceRegistration
      const instance = { ...registration, healthy: row['healthy'] === 1, healthDetail: '' }
      const id = instanceId(registration.workload)
      this.#instances.set(id, instance)
      this.#leases.grant(id, registration.leaseSeconds * 1000, RESTART_GRACE_MS)
      this.#watchHealth(instance)
    }
  }

  #changed(): void {
    if (this.#notifying) return
    this.#notifying = true
    queueMicrotask(() => {
      this.#notifying = false
      for (const listener of this.#listeners) listener()
    })
  }
}

function sorted<T>(map: ReadonlyMap<string, T>): readonly T[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}

function sameRegistration(a: InstanceRegistration, b: InstanceRegistration): boolean {
  return JSON.stringify([a.workload, a.healthCheck]) === JSON.stringify([b.workload, b.healthCheck])
}

function sameCheck(a: InstanceRegistration, b: InstanceRegistration): boolean {
  return JSON.stringify([a.healthCheck, checkSubject(a)]) === JSON.stringify([b.healthCheck, checkSubject(b)])
}

/**
 * Where the application itself listens: its sidecar's port would demand a mesh certificate. A port that the check
 * names by the workload's own number is looked up, as kubelet does with a container port; any other is taken as it is.
 */
function checkSubject(instance: InstanceRegistration): HealthCheckSubject | null {
  const config = instance.healthCheck
  if (config === null) return null
  const { ports, applicationAddress } = instance.workload
  const asked = config.http?.port ?? config.grpc?.port ?? config.tcp?.port
  const declared = asked === undefined ? ports[0] : ports.find(port => port.number === asked)
  const port = declared?.applicationPort ?? asked
  return port === undefined ? null : { address: applicationAddress, port, config }
}
