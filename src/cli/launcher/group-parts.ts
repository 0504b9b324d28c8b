// What a workload takes from the WorkloadGroup that it is an instance of.
import type { ConfigObject, ConfigObjectOf } from '../../model/config-object.ts'
import type { WorkloadProbe } from '../../model/workload-group.ts'
import type { HealthCheckSpec, WorkloadSpec } from './workload-spec.ts'

export type WorkloadGroupObject = ConfigObjectOf<'WorkloadGroup'>

export type GroupParts = Pick<
  WorkloadSpec,
  'group' | 'labels' | 'serviceAccount' | 'ports' | 'locality' | 'weight' | 'healthCheck' | 'execCheck' | 'startDelayMs'
>

export function partsOf({ name, spec }: WorkloadGroupObject): GroupParts {
  const { template, probe } = spec
  const network = template.network === '' ? {} : { 'topology.istio.io/network': template.network }
  return {
    group: name,
    labels: { ...network, ...spec.labels },
    serviceAccount: template.serviceAccount || 'default',
    ports: Object.entries(template.ports).map(([portName, number]) => ({ name: portName, number })),
    locality: template.locality,
    weight: template.weight,
    ...(probe ? checksOf(probe) : { healthCheck: { tcp: {} } }),
  }
}

/** For a workload that says itself how its health is checked. */
export function withoutProbe({ execCheck: _, startDelayMs: __, ...parts }: GroupParts): GroupParts {
  return parts
}

export function findGroup(
  objects: readonly ConfigObject[],
  namespace: string,
  name: string,
): WorkloadGroupObject | undefined {
  for (const object of objects)
    if (object.kind === 'WorkloadGroup' && object.namespace === namespace && object.name === name) return object
  return undefined
}

/** A command runs beside the application, which only the launcher can do; that it listens is still the registry's to see. */
function checksOf(probe: WorkloadProbe): Pick<WorkloadSpec, 'healthCheck' | 'execCheck' | 'startDelayMs'> {
  const { check, initialDelayMs: startDelayMs } = probe
  const times = {
    intervalMs: probe.periodMs,
    timeoutMs: probe.timeoutMs,
    healthyThreshold: probe.successThreshold,
    unhealthyThreshold: probe.failureThreshold,
  }
  if (check.kind === 'exec')
    return { healthCheck: { tcp: {} }, execCheck: { command: check.command, ...times }, startDelayMs }
  return { healthCheck: { ...questionOf(check), ...times }, startDelayMs }
}

function questionOf(check: Exclude<WorkloadProbe['check'], { readonly kind: 'exec' }>): HealthCheckSpec {
  if (check.kind === 'tcp') return { tcp: { port: check.port } }
  if (check.kind === 'grpc')
    return { grpc: { port: check.port, ...(check.service === '' ? {} : { service: check.service }) } }
  const { path, port, tls, headers } = check
  return { http: { path, port, ...(tls ? { tls } : {}), ...(headers.length > 0 ? { headers } : {}) } }
}
