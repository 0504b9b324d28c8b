// Which service is in front of each of a workload's ports, and what the workload is therefore spoken to.
import type { PortProtocol } from '../../model/port-protocol.ts'
import type { Workload, WorkloadPort } from '../../model/workload.ts'
import { portProtocol } from '../host/port-protocol.ts'
import type { MeshService, MeshServicePort } from './mesh-service.ts'

/** A port of a service that leads to a workload's. */
export interface InboundFront {
  readonly service: MeshService
  readonly port: MeshServicePort
}

export class InboundProtocols {
  readonly #byWorkload = new Map<Workload, Map<number, InboundFront>>()

  /** `services` in order of precedence: where two differ on a port, the first decides, as in Istio. */
  constructor(services: readonly MeshService[]) {
    for (const service of services)
      for (const servicePort of service.ports)
        for (const { workload, port } of service.targets(servicePort)) {
          const known = this.#byWorkload.get(workload) ?? new Map<number, InboundFront>()
          this.#byWorkload.set(workload, known)
          if (!known.has(port.number)) known.set(port.number, { service, port: servicePort })
        }
  }

  /** The name of the workload's own port, where no service has it. */
  of(workload: Workload, port: WorkloadPort): PortProtocol {
    return this.frontOf(workload, port)?.port.protocol ?? portProtocol(port.name, undefined, port.number)
  }

  frontOf(workload: Workload, port: WorkloadPort): InboundFront | undefined {
    return this.#byWorkload.get(workload)?.get(port.number)
  }
}
