// The workloads that a mesh directory would start, as the registry would know them: what its config is judged against.
import type { Workload } from '../../model/workload.ts'
import { describedGateway, describedSidecar } from './described-workload.ts'
import type { MeshDirectory } from './mesh-directory.ts'

export function plannedWorkloads(mesh: MeshDirectory): Workload[] {
  const asSaid = (number: number) => ({ applicationPort: number, inboundPort: number })
  const planned = mesh.workloads.map(spec => describedSidecar(spec, asSaid, {}))
  if (mesh.gateway !== null) planned.unshift(describedGateway(mesh.gateway, {}))
  return planned.map(workload => ({ ...workload, healthy: true }))
}
