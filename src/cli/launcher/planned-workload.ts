// The workloads that a mesh directory would start, as the registry would know them: what its config is judged against.
import type { Workload } from '../../model/workload.ts'
import type { MeshDirectory } from './mesh-directory.ts'
import type { GatewaySpec, WorkloadSpec } from './workload-spec.ts'

const LOOPBACK = '127.0.0.1'

export function plannedWorkloads(mesh: MeshDirectory): Workload[] {
  const workloads = mesh.workloads.map(sidecarWorkload)
  return mesh.gateway === null ? workloads : [gatewayWorkload(mesh.gateway), ...workloads]
}

function sidecarWorkload(spec: WorkloadSpec): Workload {
  return {
    name: spec.name,
    namespace: spec.namespace,
    service: spec.service,
    version: spec.version,
    description: spec.description,
    labels: spec.labels,
    serviceAccount: spec.serviceAccount,
    address: LOOPBACK,
    applicationAddress: LOOPBACK,
    ports: spec.ports.map(({ name, number }) => ({ name, number, applicationPort: number, inboundPort: number })),
    locality: spec.locality,
    weight: spec.weight,
    tlsMode: 'istio',
    proxy: { kind: 'sidecar', bindAddress: LOOPBACK },
    healthy: true,
  }
}

function gatewayWorkload(spec: GatewaySpec): Workload {
  return {
    name: spec.name,
    namespace: spec.namespace,
    service: '',
    version: '',
    description: 'gateway',
    labels: spec.labels,
    serviceAccount: spec.serviceAccount,
    address: LOOPBACK,
    applicationAddress: LOOPBACK,
    ports: [],
    locality: { region: '', zone: '', subZone: '' },
    weight: 1,
    tlsMode: 'istio',
    proxy: { kind: 'router', bindAddress: LOOPBACK },
    healthy: true,
  }
}
