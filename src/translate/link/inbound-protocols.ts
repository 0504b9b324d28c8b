// What a workload is spoken to on each of its ports: what the services in front of it say.
import type { PortProtocol } from '../../model/port-protocol.ts'
import type { Workload, WorkloadPort } from '../../model/workload.ts'
import { portProtocol } from '../host/port-protocol.ts'
import type { MeshService } from './mesh-service.ts'

export class InboundProtocols {
  readonly #byWorkload = new Map<Workload, Map<number, PortProtocol>>()

  /** `services` in order of precedence: where two differ on a port, the first decides, as in Istio. */
  constructor(services: readonly MeshService[]) {
    for (const service of services)
      for (const servicePort of service.ports)
        for (const { workload, port } of service.targets(servicePort)) {
          const known = this.#byWorkload.get(workload)
          if (!known) this.#byWorkload.set(workload, new Map([[port.number, servicePort.protocol]]))
          else if (!known.has(port.number)) known.set(port.number, servicePort.protocol)
        }
  }

  /** The name of the workload's own port, where no service has it. */
  of(workload: Workload, port: WorkloadPort): PortProtocol {
    return this.#byWorkload.get(workload)?.get(port.number) ?? portProtocol(port.name, undefined, port.number)
  }
}
