// Endpoints out of workloads and WorkloadEntries: which address, which port, whether mTLS.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { Workload, WorkloadPort } from '../../model/workload.ts'
import type { WorkloadEntry } from '../../model/workload-entry.ts'
import type { Labels } from './label-selector.ts'
import type { MeshEndpoint } from './mesh-service.ts'
import type { PeerPolicies } from './peer-policies.ts'

/** How the endpoint of a workload is reached: by number or name of the workload's port. */
export type TargetPort = number | string

export class EndpointMaker {
  readonly #policies: PeerPolicies
  readonly #trustDomain: string

  constructor(policies: PeerPolicies, trustDomain: string) {
    this.#policies = policies
    this.#trustDomain = trustDomain
  }

  /** Null when the workload does not declare the port: what listens at that address may be another's. */
  ofWorkload(workload: Workload, target: TargetPort, portName: string): MeshEndpoint | null {
    const port = portOf(workload, target, portName)
    if (!port) return null
    const policy = this.#policies.of(workload.namespace, workload.labels, port.number)
    return {
      address: workload.address,
      port: port.inboundPort,
      labels: withVersion(workload),
      locality: workload.locality,
      weight: workload.weight,
      mutualTls: workload.tlsMode === 'istio' && policy.mode !== 'DISABLE',
      healthy: workload.healthy,
      workload: describe(workload.name, workload.namespace, workload.labels, workload.service, workload.version),
    }
  }

  /**
   * An endpoint written by hand: its own port map beats targetPort, which beats the service's port. Null when targetPort is
   * a name that the map has not.
   */
  ofEntry(
    entry: WorkloadEntry,
    namespace: string,
    name: string,
    port: { readonly name: string; readonly number: number },
    target: TargetPort,
  ): MeshEndpoint | null {
    const number = typeof target === 'string' ? entry.ports[target] : (entry.ports[port.name] ?? target)
    if (number === undefined) return null
    const declared = entry.labels['security.istio.io/tlsMode'] === 'istio'
    const policy = this.#policies.of(namespace, entry.labels, number)
    return {
      address: entry.address,
      port: number,
      labels: withNetwork(entry),
      locality: entry.locality,
      weight: entry.weight,
      mutualTls: declared && policy.mode !== 'DISABLE',
      healthy: true,
      workload: describe(name, name === '' ? '' : namespace, entry.labels, '', ''),
    }
  }

  identityOf(namespace: string, serviceAccount: string): string {
    if (serviceAccount.startsWith('spiffe://')) return serviceAccount
    return `spiffe://${this.#trustDomain}/ns/${namespace}/sa/${serviceAccount}`
  }
}

/** An instance of a WorkloadGroup maps ports as a WorkloadEntry does: by the name of the service's, before its number. */
export function portOf(workload: Workload, target: TargetPort, portName: string): WorkloadPort | undefined {
  const byName = workload.group && typeof target === 'number' ? portNamed(workload, portName) : undefined
  if (byName) return byName
  return typeof target === 'number'
    ? workload.ports.find(({ number }) => number === target)
    : portNamed(workload, target)
}

function portNamed({ ports }: Workload, wanted: string): WorkloadPort | undefined {
  return ports.find(({ name }) => name === wanted)
}

/** Istio's label of it, for failoverPriority. */
function withNetwork({ labels, network }: WorkloadEntry): Labels {
  return network === '' ? labels : { ...labels, 'topology.istio.io/network': network }
}

/** A subset by `version` works for a workload that was registered with a version and without the label. */
function withVersion(workload: Workload): Labels {
  if (workload.version === '' || workload.labels['version'] !== undefined) return workload.labels
  return { ...workload.labels, version: workload.version }
}

function describe(name: string, namespace: string, labels: Labels, service: string, version: string): string {
  const canonical = labels['service.istio.io/canonical-name'] ?? labels['app'] ?? service
  const revision = labels['service.istio.io/canonical-revision'] ?? labels['version'] ?? version
  return `${name};${namespace};${canonical};${revision};`
}

/** WorkloadEntry objects carry labels in two places. */
export function entryWithLabels(object: ConfigObjectOf<'WorkloadEntry'>): WorkloadEntry {
  return { ...object.spec, labels: { ...object.labels, ...object.spec.labels } }
}
