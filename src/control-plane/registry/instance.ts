// An instance as it registers: its workload without the verdict on its health, and how to reach that verdict.
import type { Workload } from '../../model/workload.ts'
import type { HealthCheckConfig } from './health-check-config.ts'

export interface InstanceRegistration {
  readonly workload: Omit<Workload, 'healthy'>
  readonly healthCheck: HealthCheckConfig | null
  readonly leaseSeconds: number
}

export interface InstanceKey {
  readonly namespace: string
  readonly name: string
}

export interface RegisteredInstance extends InstanceRegistration {
  readonly healthy: boolean
  /** Outcome of the check that led to the verdict; empty without a health check. */
  readonly healthDetail: string
}

export function instanceId(key: InstanceKey): string {
  return `${key.namespace}/${key.name}`
}

export function workloadOf(instance: RegisteredInstance): Workload {
  return { ...instance.workload, healthy: instance.healthy }
}
